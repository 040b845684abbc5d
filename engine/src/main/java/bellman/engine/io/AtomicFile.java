package bellman.engine.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;
import java.util.regex.Pattern;

/** A file that is written in one step: readers find the old one or the whole new one. */
public final class AtomicFile {
  /** Writes the whole content from the beginning of a new file. */
  public interface Content {
    void write(FileChannel channel) throws IOException;
  }

  private static final Pattern DRAFT = Pattern.compile("\\..+\\.[0-9a-f-]{36}\\.tmp");

  private AtomicFile() {}

  /** Whether a file is being written, or was by a process that died. */
  public static boolean isDraft(Path file) {
    return DRAFT.matcher(file.getFileName().toString()).matches();
  }

  /**
   * Writes or replaces a file, whose data is on the disk when this returns.
   *
   * @throws IOException if it cannot be written; an old file is then as it was
   */
  public static void write(Path path, Content content) throws IOException {
    Path folder = path.toAbsolutePath().getParent();
    Path draft = folder.resolve("." + path.getFileName() + "." + UUID.randomUUID() + ".tmp");
    try {
      try (FileChannel channel =
          FileChannel.open(draft, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW)) {
        content.write(channel);
        channel.force(true);
      }
      Files.move(draft, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(draft);
    }
    forceFolder(folder);
  }

  /** The same for content that is at hand. */
  public static void write(Path path, byte[] content) throws IOException {
    write(path, channel -> put(channel, ByteBuffer.wrap(content)));
  }

  /** Writes all that remains in a buffer. */
  static void put(FileChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  /** Makes the new name durable too, where folders can be opened (not on Windows). */
  private static void forceFolder(Path folder) {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    } catch (IOException e) {
      // the file itself is safe; only its name may be the old one after a power cut
    }
  }
}
