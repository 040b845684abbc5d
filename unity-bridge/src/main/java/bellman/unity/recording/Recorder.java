package bellman.unity.recording;

import bellman.unity.proto.UnityMessageProto;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes what is said to a file that is complete after every message. A disk that is full ends the
 * recording with a warning, not the run. Thread-safe.
 */
public final class Recorder implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Recorder.class);

  private final Path file;
  private OutputStream out;

  /**
   * Begins a file; an old one of that name is lost.
   *
   * @throws IOException when it cannot be written
   */
  public Recorder(Path file) throws IOException {
    this.file = file;
    Path folder = file.toAbsolutePath().getParent();
    Files.createDirectories(folder);
    this.out = Files.newOutputStream(file);
  }

  /** Adds a message. */
  public synchronized void add(Recording.Sender sender, UnityMessageProto message) {
    if (out == null) {
      return;
    }
    int length = message.getSerializedSize();
    ByteBuffer record = ByteBuffer.allocate(Recording.HEAD + length).order(ByteOrder.LITTLE_ENDIAN);
    record.put(sender.letter).putInt(length).put(message.toByteArray());
    try {
      out.write(record.array());
    } catch (IOException e) {
      LOG.warn("{}: the recording ends here, the file cannot be written: {}", file, e.toString());
      close();
    }
  }

  @Override
  public synchronized void close() {
    if (out != null) {
      try {
        out.close();
      } catch (IOException e) {
        LOG.warn("{}: {}", file, e.toString());
      }
      out = null;
    }
  }
}
