package bellman.engine.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFileTest {
  @TempDir private Path folder;

  @Test
  void aFileIsWrittenAndReplaced() throws IOException {
    Path file = folder.resolve("a");
    AtomicFile.write(file, new byte[] {1, 2, 3});
    AtomicFile.write(file, new byte[] {4});
    assertThat(file).hasBinaryContent(new byte[] {4});
  }

  @Test
  void whatFailsLeavesTheOldFileAndNothingElse() throws IOException {
    Path file = Files.writeString(folder.resolve("a"), "old");
    assertThatThrownBy(
            () ->
                AtomicFile.write(
                    file,
                    channel -> {
                      channel.write(ByteBuffer.wrap(new byte[] {1, 2, 3}));
                      throw new IOException("the disk is full");
                    }))
        .hasMessage("the disk is full");
    assertThat(file).hasContent("old");
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).containsExactly(file);
    }
    Path nowhere = folder.resolve("nowhere/a");
    assertThatThrownBy(() -> AtomicFile.write(nowhere, new byte[1]))
        .isInstanceOf(NoSuchFileException.class);
  }

  @Test
  void aDraftIsKnownByItsName() throws IOException {
    Path file = folder.resolve("a.onnx");
    AtomicFile.write(
        file,
        channel -> {
          try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).hasSize(1).allMatch(AtomicFile::isDraft);
          }
        });
    for (String other : List.of("a.onnx", ".a.onnx.tmp", "a.onnx.tmp", ".hidden")) {
      assertThat(AtomicFile.isDraft(folder.resolve(other))).as(other).isFalse();
    }
  }
}
