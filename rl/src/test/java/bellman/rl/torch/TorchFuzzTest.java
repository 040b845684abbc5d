package bellman.rl.torch;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.SplittableRandom;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Real files with a few bytes changed: each is read or refused with an {@link IOException}, soon,
 * and never anything else happens.
 */
class TorchFuzzTest {
  private static final Duration LIMIT = Duration.ofSeconds(120);
  private static final int PICKLES = 500;
  private static final int FILES = 500;

  private static byte[] views;
  private static byte[] pickle; // of the tutorial's checkpoint

  @TempDir private Path folder;

  @BeforeAll
  static void load() throws IOException {
    views = Files.readAllBytes(TorchGolden.file("views.pt"));
    try (ZipFile zip = new ZipFile(TorchGolden.file("seed_ckpt_small.pt").toFile())) {
      pickle = zip.getInputStream(zip.getEntry("seed_ckpt_small/data.pkl")).readAllBytes();
    }
  }

  /** Up to eight bytes changed, a cut, a piece that is doubled, or one that is moved. */
  private static byte[] mutated(byte[] original, SplittableRandom random) {
    byte[] bytes = original.clone();
    int at = random.nextInt(bytes.length);
    int length = random.nextInt(1, Math.min(40, bytes.length - at) + 1);
    switch (random.nextInt(5)) {
      case 0 -> {
        return Arrays.copyOf(bytes, at);
      }
      case 1 -> {
        byte[] longer = Arrays.copyOf(bytes, bytes.length + length);
        System.arraycopy(bytes, at, longer, at + length, bytes.length - at);
        return longer;
      }
      case 2 ->
          System.arraycopy(original, at, bytes, random.nextInt(bytes.length - length + 1), length);
      default -> {
        for (int i = random.nextInt(8); i >= 0; i--) {
          bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
        }
      }
    }
    return bytes;
  }

  /** Whether it was read; anything but an IOException fails the test with the file. */
  private static boolean read(Path path, String what) throws IOException {
    try {
      TorchCheckpoint.read(path);
      return true;
    } catch (IOException e) {
      assertThat(e.getMessage()).as(what).isNotBlank().hasSizeLessThan(2000);
      return false;
    } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
      throw new AssertionError(what + ": " + HexFormat.of().formatHex(Files.readAllBytes(path)), e);
    }
  }

  @Test
  void changedPickles() {
    Assertions.assertTimeoutPreemptively(
        LIMIT,
        () -> {
          SplittableRandom random = new SplittableRandom(1);
          Path path = folder.resolve("a.pt");
          int whole = 0;
          for (int i = 0; i < PICKLES; i++) {
            // The numbers of all storages are missing but for those of two, so most tensors are.
            byte[] changed = mutated(pickle, random);
            Archive.of(changed)
                .entry("x/data/0", new byte[49152])
                .entry("x/data/1", new byte[128])
                .write(path);
            whole += read(path, "pickle " + i) ? 1 : 0;
          }
          assertThat(whole).isLessThan(PICKLES / 2);
        });
  }

  /** Programs that nobody wrote: opcodes that the machine knows, in any order. */
  @Test
  void randomPrograms() {
    byte[] opcodes =
        "(}])tNKMJGXqrhjsuaecRQb.\u0085\u0086\u0087\u0088\u0089\u008a\u008c\u0093\u0094\u0095"
            .getBytes(StandardCharsets.ISO_8859_1);
    Assertions.assertTimeoutPreemptively(
        LIMIT,
        () -> {
          SplittableRandom random = new SplittableRandom(2);
          Path path = folder.resolve("a.pt");
          for (int i = 0; i < PICKLES; i++) {
            byte[] program = new byte[random.nextInt(2, 200)];
            for (int k = 0; k < program.length; k++) {
              program[k] =
                  random.nextInt(8) == 0
                      ? (byte) random.nextInt(4)
                      : opcodes[random.nextInt(opcodes.length)];
            }
            Archive.of(program).write(path);
            read(path, "program " + i);
          }
        });
  }

  @Test
  void changedFiles() {
    Assertions.assertTimeoutPreemptively(
        LIMIT,
        () -> {
          SplittableRandom random = new SplittableRandom(3);
          Path path = folder.resolve("a.pt");
          int whole = 0;
          for (int i = 0; i < FILES; i++) {
            Files.write(path, mutated(views, random));
            whole += read(path, "file " + i) ? 1 : 0;
          }
          // Dates and paddings may change, names of storages and their numbers may not.
          assertThat(whole).isBetween(1, FILES / 2);
        });
  }
}
