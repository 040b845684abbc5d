package bellman.rl.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.engine.Shape;
import bellman.nn.Values;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the archive and its tensors must be. */
class TorchFileTest {
  private static final byte[] TWO_FLOATS =
      ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putFloat(1.5f).putFloat(-2).array();

  @TempDir private Path folder;

  private Path path() {
    return folder.resolve("a.pt");
  }

  private static Object content(Path path) throws IOException {
    try (TorchFile file = TorchFile.open(path)) {
      return file.content();
    }
  }

  private void refused(Archive archive, String reason) throws IOException {
    Path path = archive.write(path());
    assertThatThrownBy(() -> content(path))
        .isInstanceOf(TorchException.class)
        .hasMessage(path + ": " + reason);
  }

  /** One tensor in a storage of two floats. */
  private static Archive tensor(int offset, int[] shape, int[] strides) {
    return Archive.begin().tensor(2, offset, shape, strides).op('.').entry("x/data/0", TWO_FLOATS);
  }

  private static int[] ints(int... values) {
    return values;
  }

  @Test
  void viewsOfPyTorchAreReadInTheirOrder() throws IOException {
    try (TorchFile file = TorchFile.open(TorchGolden.file("views.pt"))) {
      Map<?, ?> views = (Map<?, ?>) file.content();
      assertThat(values(views, "plain").shape()).isEqualTo(Shape.of(2, 3, 4));
      assertThat(values(views, "plain").floats()).startsWith(0, 1, 2).endsWith(22, 23);
      assertThat(values(views, "transposed").shape()).isEqualTo(Shape.of(6, 4));
      assertThat(values(views, "transposed").floats()).startsWith(0, 6, 12, 18, 1, 7);
      assertThat(values(views, "permuted").shape()).isEqualTo(Shape.of(4, 2, 3));
      assertThat(values(views, "permuted").floats()).startsWith(0, 4, 8, 12, 16, 20, 1);
      assertThat(values(views, "sliced")).matches(v -> v.shape().equals(Shape.of(2, 2)));
      assertThat(values(views, "sliced").floats()).containsExactly(7, 10, 19, 22);
      assertThat(values(views, "scalar").shape()).isEqualTo(Shape.scalar());
      assertThat(values(views, "scalar").floats()).containsExactly(7);
      assertThat(values(views, "empty").shape()).isEqualTo(Shape.of(0));
      assertThat(values(views, "double").floats()).containsExactly(1.5f, -2.25f);
      assertThat(values(views, "half").floats()).containsExactly(0.5f, -65504, 0x1p-24f);
      assertThat(values(views, "bfloat16").floats())
          .containsExactly(3.140625f, -1.0002555517425873e30f);
      assertThat(values(views, "parameter").shape()).isEqualTo(Shape.of(1, 2));
      assertThat(values(views, "parameter").floats()).containsExactly(7, 8);
      float[] counted = values(views, "channels_last").floats();
      for (int i = 0; i < 16; i++) {
        assertThat(counted[i]).isEqualTo(i);
      }
    }
  }

  private static Values values(Map<?, ?> views, String name) throws IOException {
    return ((TorchTensor) views.get(name)).values();
  }

  @Test
  void bigEndianNumbersAreTurned() throws IOException {
    Path path =
        tensor(0, ints(2), ints(1))
            .entry("x/byteorder", "big".getBytes())
            .entry("x/data/0", ByteBuffer.allocate(8).putFloat(1.5f).putFloat(-2).array())
            .write(path());
    try (TorchFile file = TorchFile.open(path)) {
      TorchTensor tensor = (TorchTensor) file.content();
      assertThat(tensor.values().floats()).containsExactly(1.5f, -2);
    }
  }

  @Test
  void aStrideThatIsNeverTakenMayBeAnything() throws IOException {
    Path path = tensor(1, ints(1, 1), ints(-5, 1 << 30)).write(path());
    try (TorchFile file = TorchFile.open(path)) {
      assertThat(((TorchTensor) file.content()).values().floats()).containsExactly(-2);
    }
  }

  @Test
  void tensorsMustLieInTheirStorage() throws IOException {
    String in = " in storage 0 reaches beyond its 2 elements";
    refused(tensor(0, ints(3), ints(1)), "a tensor of shape [3], strides [1] and offset 0" + in);
    refused(tensor(1, ints(2), ints(1)), "a tensor of shape [2], strides [1] and offset 1" + in);
    refused(tensor(-1, ints(1), ints(1)), "a tensor of shape [1], strides [1] and offset -1" + in);
    refused(tensor(2, ints(), ints()), "a tensor of shape [], strides [] and offset 2" + in);
    refused(tensor(1, ints(2), ints(-1)), "a tensor of shape [2], strides [-1] and offset 1" + in);
    refused(tensor(0, ints(-1), ints(1)), "a tensor of shape [-1], strides [1] and offset 0" + in);
    int huge = Integer.MAX_VALUE;
    refused(
        tensor(0, ints(huge, huge), ints(huge, huge)),
        "a tensor of shape [2147483647, 2147483647], strides [2147483647, 2147483647] and offset 0"
            + in);
    refused(
        tensor(0, ints(huge, huge, huge, 0), ints(0, 0, 0, 0)),
        "a tensor of shape [2147483647, 2147483647, 2147483647, 0], strides [0, 0, 0, 0] and offset"
            + " 0 in storage 0 is too large");
    refused(
        tensor(0, ints(2), ints()),
        "a tensor of shape [2], strides [] and offset 0 in storage 0: shape and strides need the"
            + " same number of dimensions, at most 64");
    int[] many = new int[65];
    Arrays.fill(many, 1);
    refused(
        tensor(0, many, many),
        "a tensor of shape [1, 1, 1, 1, 1, 1, 1, 1, …], strides [1, 1, 1, 1, 1, 1, 1, 1, …] and"
            + " offset 0 in storage 0: shape and strides need the same number of dimensions, at most"
            + " 64");
  }

  @Test
  void expandedTensorsAreRefused() throws IOException {
    String repeats = " and offset 0 in storage 0 repeats its 2 elements; save its .contiguous()";
    refused(
        tensor(0, ints(2, 2), ints(0, 1)),
        "a tensor of shape [2, 2], strides [0, 1]" + repeats + " instead");
    int[] twos = new int[62]; // 2⁶² elements from two
    Arrays.fill(twos, 2);
    refused(
        tensor(0, twos, new int[62]),
        "a tensor of shape [2, 2, 2, 2, 2, 2, 2, 2, …], strides [0, 0, 0, 0, 0, 0, 0, 0, …]"
            + repeats
            + " instead");
  }

  @Test
  void tensorsThatShareTooMuchAreRefused() throws IOException {
    byte[] data = new byte[40_000];
    Archive archive = Archive.begin().op(']').op('(').entry("x/data/0", data);
    for (int i = 0; i < 10; i++) {
      archive.tensor(10_000, 0, ints(10_000), ints(1));
    }
    Path path = archive.ops("e.").write(path());
    assertThatThrownBy(() -> content(path))
        .hasMessage(
            "%s: its tensors add up to more than 4 times its %,d bytes", path, Files.size(path));
  }

  @Test
  void storagesMustBeThere() throws IOException {
    refused(Archive.begin().storage("7", 2).op('.'), "the numbers of storage 7 are missing");
    refused(
        Archive.begin().storage("../../etc", 2).op('.'),
        "the numbers of storage ../../etc are missing");
    refused(
        Archive.begin().storage("0", 1 << 30).op('.').entry("x/data/0", TWO_FLOATS),
        "storage 0 is said to hold 1,073,741,824 × F32, but has 8 bytes");
    refused(
        Archive.begin().storage("0", -2).op('.').entry("x/data/0", TWO_FLOATS),
        "storage 0 is said to hold -2 × F32, but has 8 bytes");
  }

  @Test
  void otherArchives() throws IOException {
    refused(
        Archive.begin().ops("N.").compressed(),
        "its entry x/data.pkl is compressed (4 bytes from 6), which torch.save never does; save it"
            + " again with PyTorch");
    String another = ", and torch.save writes one: this is another kind of zip archive";
    refused(Archive.of(new byte[0]).entry("x/data.pkl/y"), "it has 0 entries X/data.pkl" + another);
    refused(
        Archive.begin().ops("N.").entry("y/data.pkl", (byte) 'N'),
        "it has 2 entries X/data.pkl" + another);
    refused(
        Archive.begin().ops("N.").entry("x/byteorder", "middle".getBytes()),
        "its byteorder is neither 'little' nor 'big'");
    refused(
        Archive.of(new byte[(16 << 20) + 1]),
        "its data.pkl has 16,777,217 bytes; a network's has thousands, and more than 16,777,216 are"
            + " refused");
  }

  @Test
  void aCompressionBombIsNotUnpacked() throws IOException {
    refused(
        Archive.of(new byte[1 << 20]).compressed(),
        "its entry x/data.pkl is compressed (1,048,576 bytes from 1,033), which torch.save never"
            + " does; save it again with PyTorch");
  }

  @Test
  void noArchives() throws IOException {
    Path path = path();
    assertThatThrownBy(() -> content(path)).isInstanceOf(NoSuchFileException.class);
    String remedy =
        "), as torch.save writes since PyTorch 1.6; an older file becomes one by"
            + " torch.save(torch.load(FILE, weights_only=True), FILE) there";
    Files.writeString(path, "is this a checkpoint? no, it is a letter");
    assertThatThrownBy(() -> content(path))
        .isInstanceOf(TorchException.class)
        .hasMessage(path + ": not a whole zip archive (zip END header not found" + remedy);
    byte[] whole = Files.readAllBytes(TorchGolden.file("views.pt"));
    Files.write(path, Arrays.copyOf(whole, whole.length - 100));
    assertThatThrownBy(() -> content(path)).hasMessageContaining("not a whole zip archive (");
  }

  @Test
  void damagedNumbersAreNoticed() throws IOException {
    byte[] bytes = Files.readAllBytes(TorchGolden.file("views.pt"));
    int at = new String(bytes, java.nio.charset.StandardCharsets.ISO_8859_1).indexOf("data/0");
    Path path = path();
    bytes[at + 60] ^= 1;
    Files.write(path, bytes);
    assertThatThrownBy(
            () -> {
              try (TorchFile file = TorchFile.open(path)) {
                values((Map<?, ?>) file.content(), "plain");
              }
            })
        .isInstanceOf(TorchException.class)
        .hasMessageMatching(
            ".*a\\.pt: its entry views/data/0 is damaged: CRC-32 [0-9a-f]{8} is stated, its bytes"
                + " have [0-9a-f]{8}");
  }

  /** Two directory entries for the same bytes: one file's numbers, many times. */
  @Test
  void overlappingEntriesAreRefused() throws IOException {
    Path path =
        Archive.begin()
            .ops("N.")
            .entry("x/data/0", new byte[4000])
            .entry("x/data/1", new byte[0])
            .write(path());
    byte[] bytes = Files.readAllBytes(path);
    ByteBuffer b = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    int first = -1;
    for (int i = 0; i < bytes.length - 46; i++) {
      if (b.getInt(i) == 0x02014b50) { // a directory entry
        String name = new String(bytes, i + 46, 8, java.nio.charset.StandardCharsets.US_ASCII);
        if (name.equals("x/data/0")) {
          first = i;
        } else if (name.equals("x/data/1")) { // the same place, size and CRC
          System.arraycopy(bytes, first + 16, bytes, i + 16, 12);
          System.arraycopy(bytes, first + 42, bytes, i + 42, 4);
        }
      }
    }
    assertThat(first).isPositive();
    Files.write(path, bytes);
    assertThatThrownBy(() -> content(path))
        .hasMessage("%s: its entries add up to more than its %,d bytes", path, bytes.length);
  }
}
