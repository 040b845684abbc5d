package bellman.engine.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.engine.Shape;
import bellman.engine.ShapeException;
import bellman.engine.io.Safetensors.Type;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SafetensorsTest {
  @TempDir Path folder;

  private static byte[] littleEndian(int... shorts) {
    ByteBuffer bytes = ByteBuffer.allocate(2 * shorts.length).order(ByteOrder.LITTLE_ENDIAN);
    for (int s : shorts) {
      bytes.putShort((short) s);
    }
    return bytes.array();
  }

  @Test
  void aChecksumTellsOfEveryBitThatChanged() throws IOException {
    Path path = folder.resolve("checked.safetensors");
    new SafetensorsWriter()
        .checked()
        .metadata("who", "me")
        .floats("w", Shape.of(5), new float[] {1, 2, 3, 4, 5})
        .bytes("b", Shape.of(3), new byte[] {1, 2, 3})
        .write(path);
    byte[] whole = Files.readAllBytes(path);
    try (Safetensors file = Safetensors.open(path)) {
      file.verify();
      assertThat(file.metadata()).containsEntry("who", "me");
    }
    for (int at = whole.length - 23; at < whole.length; at++) {
      byte[] damaged = whole.clone();
      damaged[at] ^= (byte) (1 << at % 8);
      Files.write(path, damaged);
      try (Safetensors file = Safetensors.open(path)) {
        assertThatThrownBy(file::verify)
            .isInstanceOf(SafetensorsException.class)
            .hasMessageStartingWith(path + ": damaged: the checksum of its data is ")
            .hasMessageEndingWith("have it drop the metadata bellman.crc32c");
      }
    }
  }

  @Test
  void aFileWithoutAChecksumPasses() throws IOException {
    Path path = folder.resolve("plain.safetensors");
    new SafetensorsWriter().floats("w", Shape.of(2), new float[2]).write(path);
    try (Safetensors file = Safetensors.open(path)) {
      file.verify();
      assertThat(file.metadata()).isEmpty();
    }
  }

  @Test
  void everyTypeComesBack() throws IOException {
    Path path = folder.resolve("all.safetensors");
    Shape three = Shape.of(3);
    float[] floats = {1.5f, Float.NaN, Float.NEGATIVE_INFINITY, -0f, Float.MIN_VALUE, 3e38f};
    double[] doubles = {Math.PI, -Double.MIN_VALUE, Double.POSITIVE_INFINITY};
    new SafetensorsWriter()
        .metadata("lr", "0.00025")
        .metadata("who", "벨만 \"quoted\"\n")
        .bytes("u8", three, new byte[] {0, 127, (byte) 255})
        .booleans("bool", three, new boolean[] {true, false, true})
        .floats("f32", Shape.of(2, 3), floats)
        .doubles("f64", three, doubles)
        .longs("i64", three, new long[] {Long.MIN_VALUE, -1, Long.MAX_VALUE})
        .ints("i32", three, new int[] {Integer.MIN_VALUE, -1, Integer.MAX_VALUE})
        .raw("i16", Type.I16, three, littleEndian(-32768, -1, 32767))
        .raw("u16", Type.U16, three, littleEndian(0, 1, 65535))
        .raw("i8", Type.I8, three, new byte[] {-128, -1, 127})
        .raw("u32", Type.U32, Shape.of(1), new byte[] {-1, -1, -1, -1})
        .raw("u64", Type.U64, Shape.of(1), new byte[] {1, 2, 3, 4, 5, 6, 7, -1})
        .raw("bf16", Type.BF16, three, littleEndian(0x3f80, 0xc040, 0x7f80))
        // 1, −2, largest, smallest normal, smallest subnormal, −0, ∞, NaN
        .raw(
            "f16",
            Type.F16,
            Shape.of(8),
            littleEndian(0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x8000, 0x7c00, 0x7e00))
        .floats("scalar", Shape.scalar(), new float[] {7})
        .floats("none", Shape.of(0, 4), new float[0])
        .write(path);

    try (Safetensors file = Safetensors.open(path)) {
      assertThat(file.metadata()).isEqualTo(Map.of("lr", "0.00025", "who", "벨만 \"quoted\"\n"));
      assertThat(file.entry("f32").floats()).containsExactly(floats);
      assertThat(file.entry("f32").shape()).isEqualTo(Shape.of(2, 3));
      assertThat(file.entry("f32").type()).isEqualTo(Type.F32);
      assertThat(file.entry("f32").doubles()).hasSize(6).startsWith(1.5);
      assertThat(file.entry("f64").doubles()).containsExactly(doubles);
      assertThat(file.entry("i64").longs()).containsExactly(Long.MIN_VALUE, -1, Long.MAX_VALUE);
      assertThat(file.entry("i32").ints())
          .containsExactly(Integer.MIN_VALUE, -1, Integer.MAX_VALUE);
      assertThat(file.entry("i16").ints()).containsExactly(-32768, -1, 32767);
      assertThat(file.entry("u16").ints()).containsExactly(0, 1, 65535);
      assertThat(file.entry("i8").ints()).containsExactly(-128, -1, 127);
      assertThat(file.entry("u8").ints()).containsExactly(0, 127, 255);
      assertThat(file.entry("u8").bytes()).containsExactly(0, 127, 255);
      assertThat(file.entry("u32").longs()).containsExactly(4294967295L);
      assertThat(file.entry("u64").raw()).containsExactly(1, 2, 3, 4, 5, 6, 7, -1);
      assertThat(file.entry("bool").booleans()).containsExactly(true, false, true);
      assertThat(file.entry("bf16").floats()).containsExactly(1f, -3f, Float.POSITIVE_INFINITY);
      assertThat(file.entry("f16").floats())
          .containsExactly(
              1f, -2f, 65504f, 0x1p-14f, 0x1p-24f, -0f, Float.POSITIVE_INFINITY, Float.NaN);
      assertThat(file.entry("scalar").floats()).containsExactly(7f);
      assertThat(file.entry("none").floats()).isEmpty();
      assertThat(file.entries()).hasSize(15);
    }
  }

  @Test
  void dataBeginsAtAMultipleOfEightAndWideTypesComeFirst() throws IOException {
    Path path = folder.resolve("aligned.safetensors");
    for (String name : List.of("a", "bb", "ccc", "dddd", "eeeee", "ffffff", "ggggggg")) {
      new SafetensorsWriter()
          .bytes(name, Shape.of(3), new byte[3])
          .longs("wide", Shape.of(1), new long[1])
          .floats("narrow", Shape.of(1), new float[1])
          .write(path);
      byte[] all = Files.readAllBytes(path);
      int header = (int) ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN).getLong();
      assertThat(header % 8).isZero();
      assertThat(all).hasSize(8 + header + 15);
      try (Safetensors file = Safetensors.open(path)) {
        assertThat(file.entries().keySet()).containsExactly("wide", "narrow", name);
      }
    }
  }

  @Test
  void arraysLargerThanAChunkComeBack() throws IOException {
    Path path = folder.resolve("large.safetensors");
    float[] values = new float[100_003];
    for (int i = 0; i < values.length; i++) {
      values[i] = i;
    }
    new SafetensorsWriter().floats("x", Shape.of(values.length), values).write(path);
    try (Safetensors file = Safetensors.open(path)) {
      assertThat(file.entry("x").floats()).containsExactly(values);
    }
  }

  @Test
  void anOpenFileOutlivesItsReplacement() throws IOException {
    Path path = folder.resolve("checkpoint.safetensors");
    new SafetensorsWriter().floats("x", Shape.of(2), new float[] {1, 2}).write(path);
    try (Safetensors old = Safetensors.open(path)) {
      new SafetensorsWriter().floats("x", Shape.of(2), new float[] {3, 4}).write(path);
      assertThat(old.entry("x").floats()).containsExactly(1, 2);
    }
    try (Safetensors file = Safetensors.open(path)) {
      assertThat(file.entry("x").floats()).containsExactly(3, 4);
    }
  }

  @Test
  void aFailedWriteLeavesTheOldFileAndNoDraft() throws IOException {
    Path path = folder.resolve("checkpoint.safetensors");
    new SafetensorsWriter().floats("x", Shape.of(1), new float[] {1}).write(path);
    SafetensorsWriter failing = new SafetensorsWriter().floats("x", Shape.of(1), new float[] {2});
    // a folder that is not empty cannot be replaced by a file
    Path taken = Files.createDirectory(folder.resolve("taken"));
    Files.createFile(taken.resolve("inside"));
    assertThatThrownBy(() -> failing.write(taken)).isInstanceOf(IOException.class);
    assertThatThrownBy(() -> failing.write(folder.resolve("absent").resolve("x.safetensors")))
        .isInstanceOf(IOException.class);
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files.map(p -> p.getFileName().toString()))
          .containsExactlyInAnyOrder("checkpoint.safetensors", "taken");
    }
    try (Safetensors file = Safetensors.open(path)) {
      assertThat(file.entry("x").floats()).containsExactly(1);
    }
  }

  static Stream<Arguments> malformed() {
    String ok = "{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}";
    return Stream.of(
        bad("{}", -1, 0, "not a safetensors file: 0 bytes, the header's length alone takes 8"),
        Arguments.of(
            "PK\u0003\u0004 a zip archive, say".getBytes(StandardCharsets.UTF_8),
            "not a safetensors file: its first 8 bytes state a header of 8800140462016121680"
                + " bytes; sound headers have 2 to 100000000"),
        Arguments.of(
            new byte[] {100, 0, 0, 0, 0, 0, 0, 0, '{', '}'},
            "truncated, or not a safetensors file: a header of 100 bytes is stated, 2 follow"),
        Arguments.of(
            new byte[] {2, 0, 0, 0, 0, 0, 0, 0, (byte) 0xc3, '}'},
            "not a safetensors file: the header is not UTF-8"),
        bad("[1, 2]", 0, 0, "not a safetensors file: the header is not a JSON object"),
        bad(
            "{\"x\": nonsense}",
            0,
            0,
            "not a safetensors file: the header is not JSON: Unrecognized token"),
        bad("{} {}", 0, 0, "the header goes on after its JSON object; only spaces may follow"),
        bad("{\"x\":" + ok + ",\"x\":" + ok + "}", 0, 8, "the header names 'x' twice"),
        bad(
            "{\"x\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}",
            0,
            4,
            "not a safetensors file: the header is not JSON: Duplicate field 'dtype'"),
        bad(
            "{\"__metadata__\":{},\"__metadata__\":{}}",
            0,
            0,
            "the header names '__metadata__' twice"),
        bad("{\"__metadata__\":[]}", 0, 0, "__metadata__ must be an object of strings, it is []"),
        bad("{\"__metadata__\":{\"k\":1}}", 0, 0, "__metadata__.k must be a string, it is 1"),
        bad(
            "{\"x\":{\"dtype\":\"F32\",\"shape\":[2]}}",
            0,
            8,
            "tensor 'x' must have the keys [data_offsets, dtype, shape], it has [dtype, shape]"),
        bad("{\"x\":3}", 0, 0, "tensor 'x' must have the keys [data_offsets, dtype, shape], it"),
        bad(
            "{\"x\":" + ok.replace("F32", "F8_E5M2") + "}",
            0,
            8,
            "tensor 'x' has the unknown dtype \"F8_E5M2\"; known are [F64, F32, F16, BF16, I64,"),
        bad(
            "{\"x\":" + ok.replace("[2]", "[-2]") + "}",
            0,
            8,
            "tensor 'x': shape must be an array of whole numbers from 0 on, got [-2]"),
        bad(
            "{\"x\":" + ok.replace("[2]", "[1.5]") + "}",
            0,
            8,
            "tensor 'x': shape must be an array of whole numbers from 0 on, got [1.5]"),
        bad(
            "{\"x\":" + ok.replace("[2]", "[2147483647,2147483647,2147483647]") + "}",
            0,
            8,
            "tensor 'x': shape [2147483647,2147483647,2147483647] is too large"),
        bad(
            "{\"x\":" + ok.replace("[2]", "[3]") + "}",
            0,
            8,
            "tensor 'x': F32 [3] takes 3 × 4 bytes, its data_offsets hold 8"),
        bad(
            "{\"x\":" + ok.replace("[0,8]", "[8,0]") + "}",
            0,
            8,
            "tensor 'x': data_offsets must be [begin, end] with begin ≤ end, got [8,0]"),
        bad(
            "{\"x\":" + ok + ",\"y\":" + ok.replace("[0,8]", "[4,12]") + "}",
            0,
            12,
            "tensor 'y' at bytes 4 to 12 overlaps tensor 'x', which ends at byte 8"),
        bad(
            "{\"x\":" + ok + ",\"y\":" + ok.replace("[0,8]", "[12,20]") + "}",
            0,
            20,
            "tensor 'y' at bytes 12 to 20 leaves a hole: no tensor holds bytes 8 to 12"),
        bad(
            "{\"x\":" + ok + "}",
            0,
            7,
            "tensor 'x' at bytes 0 to 8 lies outside the file's 7 bytes of data; the file is"
                + " truncated, or its header is wrong"),
        bad("{\"x\":" + ok + "}", 0, 9, "1 bytes follow the last tensor, which ends at byte 8"));
  }

  /** A file of that header and so many bytes of data; {@code cut} −1: an empty file. */
  private static Arguments bad(String header, int cut, int data, String message) {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    ByteBuffer file =
        ByteBuffer.allocate(8 + json.length + data)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(json.length)
            .put(json);
    return Arguments.of(cut < 0 ? new byte[0] : file.array(), message);
  }

  @ParameterizedTest(name = "{1}")
  @MethodSource
  void malformed(byte[] content, String message) throws IOException {
    Path path = folder.resolve("bad.safetensors");
    Files.write(path, content);
    assertThatThrownBy(() -> Safetensors.open(path).close())
        .isInstanceOf(SafetensorsException.class)
        .hasMessageStartingWith(path + ": " + message);
  }

  @Test
  void aFileCutAtAnyByteIsRefused() throws IOException {
    Path path = folder.resolve("whole.safetensors");
    new SafetensorsWriter()
        .floats("x", Shape.of(2), new float[] {1, 2})
        .bytes("y", Shape.of(3), new byte[3])
        .write(path);
    byte[] whole = Files.readAllBytes(path);
    Path cut = folder.resolve("cut.safetensors");
    for (int n = 0; n < whole.length; n++) {
      Files.write(cut, Arrays.copyOf(whole, n));
      assertThatThrownBy(() -> Safetensors.open(cut).close())
          .as("cut after %d bytes", n)
          .isInstanceOf(SafetensorsException.class);
    }
  }

  @Test
  void accessorsRefuseOtherTypes() throws IOException {
    Path path = folder.resolve("types.safetensors");
    new SafetensorsWriter()
        .longs("i", Shape.of(1), new long[] {1L << 40})
        .floats("f", Shape.of(1), new float[1])
        .write(path);
    try (Safetensors file = Safetensors.open(path)) {
      Safetensors.Entry i = file.entry("i");
      Safetensors.Entry f = file.entry("f");
      assertThatThrownBy(i::floats)
          .hasMessage(path + ": tensor 'i' I64 [1]: floats() reads F32, F16 and BF16");
      assertThatThrownBy(i::doubles)
          .hasMessage(path + ": tensor 'i' I64 [1]: doubles() reads F64, F32, F16 and BF16");
      assertThatThrownBy(f::longs)
          .hasMessage(
              path + ": tensor 'f' F32 [1]: longs() reads I64, I32, I16, I8, U32, U16 and U8");
      assertThatThrownBy(f::bytes)
          .hasMessage(
              path + ": tensor 'f' F32 [1]: bytes() reads U8, I8 and BOOL; raw() reads every type");
      assertThatThrownBy(f::booleans)
          .hasMessage(path + ": tensor 'f' F32 [1]: booleans() reads BOOL");
      assertThatThrownBy(i::ints)
          .isInstanceOf(ArithmeticException.class)
          .hasMessage(
              path + ": tensor 'i' I64 [1]: element 0 is 1099511627776, too large for ints()");
      assertThatThrownBy(() -> file.entry("w"))
          .hasMessage(path + ": no tensor 'w'; it holds [i, f]");
    }
  }

  @Test
  void theWriterRefusesWhatTheFormatCannotHold() {
    SafetensorsWriter writer = new SafetensorsWriter().floats("x", Shape.of(1), new float[1]);
    assertThatThrownBy(() -> writer.floats("x", Shape.of(1), new float[1]))
        .hasMessage("tensor 'x' is there already; names are unique in a file");
    assertThatThrownBy(() -> writer.floats("__metadata__", Shape.of(1), new float[1]))
        .hasMessage("tensor '__metadata__': the format keeps this name");
    assertThatThrownBy(() -> writer.floats("y", Shape.of(2, 2), new float[3]))
        .isInstanceOf(ShapeException.class)
        .hasMessage("tensor 'y': 3 values for shape [2, 2]");
    assertThatThrownBy(() -> writer.raw("y", Type.F16, Shape.of(2), new byte[3]))
        .isInstanceOf(ShapeException.class)
        .hasMessage("tensor 'y': 3 bytes for F16 [2]");
  }
}
