package bellman.rl.observe;

import java.io.BufferedOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.time.Instant;
import java.util.zip.CRC32C;

/**
 * Writes a TensorBoard event file: a row of records, each an {@code Event} message of protobuf
 * between a length and checksums (little-endian):
 *
 * <pre>
 *   length     uint64
 *   checksum   uint32   masked CRC-32C of the length's 8 bytes
 *   event      bytes
 *   checksum   uint32   masked CRC-32C of the event
 * </pre>
 *
 * The mask turns a checksum right by 15 bits and adds a constant, so that checksums of data that
 * holds checksums stay good ones. A resumed run writes a new file beside the old ones; TensorBoard
 * reads them in the order of their names, which begin with the time.
 *
 * <p>Not thread-safe.
 */
public final class EventWriter implements Closeable {
  private static final int MASK_DELTA = 0xa282ead8;
  private static final int DT_STRING = 7;
  private static final int SESSION_START = 1;

  private final Clock clock;
  private final Path file;
  private final OutputStream out;

  private EventWriter(Clock clock, Path file, OutputStream out) throws IOException {
    this.clock = clock;
    this.file = file;
    this.out = out;
    write(event(0).text(3, "brain.Event:2"));
    flush();
  }

  /** A new file in a folder, which is created if need be. */
  public static EventWriter in(Path folder) throws IOException {
    return in(folder, Clock.systemUTC(), hostName());
  }

  static EventWriter in(Path folder, Clock clock, String host) throws IOException {
    Files.createDirectories(folder);
    String name =
        "events.out.tfevents."
            + clock.instant().getEpochSecond()
            + "."
            + host
            + "."
            + ProcessHandle.current().pid();
    for (int i = 0; ; i++) {
      Path file = folder.resolve(name + "." + i);
      try {
        return new EventWriter(
            clock,
            file,
            new BufferedOutputStream(Files.newOutputStream(file, StandardOpenOption.CREATE_NEW)));
      } catch (FileAlreadyExistsException e) {
        continue; // a second writer within the second
      }
    }
  }

  /** Where it writes. */
  public Path file() {
    return file;
  }

  /** A point of a curve; NaN is no point and is left out. */
  public void scalar(String tag, double value, long step) throws IOException {
    if (!Double.isNaN(value)) {
      summary(step, new ProtoWriter().text(1, tag).float32(2, (float) value));
    }
  }

  /** A text in Markdown, for the page TEXT. */
  public void text(String tag, String markdown, long step) throws IOException {
    ProtoWriter plugin = new ProtoWriter().text(1, "text");
    ProtoWriter metadata = new ProtoWriter().message(1, plugin);
    ProtoWriter shape = new ProtoWriter().message(2, new ProtoWriter().varint(1, 1));
    ProtoWriter tensor = new ProtoWriter().varint(1, DT_STRING).message(2, shape).text(8, markdown);
    summary(step, new ProtoWriter().text(1, tag).message(8, tensor).message(9, metadata));
  }

  /**
   * Says that a session starts at a step: points of earlier files at that step or later belong to a
   * future that was lost, and TensorBoard drops them.
   */
  public void sessionStarts(long step) throws IOException {
    write(event(step).message(7, new ProtoWriter().varint(1, SESSION_START)));
  }

  public void flush() throws IOException {
    out.flush();
  }

  @Override
  public void close() throws IOException {
    out.close();
  }

  private void summary(long step, ProtoWriter value) throws IOException {
    write(event(step).message(5, new ProtoWriter().message(1, value)));
  }

  private ProtoWriter event(long step) {
    Instant now = clock.instant();
    ProtoWriter event = new ProtoWriter().float64(1, now.getEpochSecond() + now.getNano() * 1e-9);
    return step == 0 ? event : event.varint(2, step);
  }

  private void write(ProtoWriter event) throws IOException {
    byte[] data = event.bytes();
    byte[] length = little(8).putLong(data.length).array();
    out.write(length);
    out.write(little(4).putInt(masked(length)).array());
    out.write(data);
    out.write(little(4).putInt(masked(data)).array());
  }

  private static ByteBuffer little(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static int masked(byte[] data) {
    CRC32C crc = new CRC32C();
    crc.update(data);
    return Integer.rotateRight((int) crc.getValue(), 15) + MASK_DELTA;
  }

  private static String hostName() {
    try {
      return InetAddress.getLocalHost().getHostName().replaceAll("[^A-Za-z0-9-]", "-");
    } catch (UnknownHostException e) {
      return "localhost";
    }
  }
}
