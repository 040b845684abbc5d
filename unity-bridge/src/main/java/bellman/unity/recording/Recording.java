package bellman.unity.recording;

import bellman.unity.proto.UnityMessageProto;
import com.google.protobuf.InvalidProtocolBufferException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What one player and its trainer said.
 *
 * @param records in the order in which they were said
 * @param cutOff whether the file ends in the middle of a record, as after a crash; that record is
 *     left out
 */
public record Recording(List<Record> records, boolean cutOff) {
  /** Who spoke. */
  public enum Sender {
    PLAYER('P'),
    TRAINER('T');

    final byte letter;

    Sender(char letter) {
      this.letter = (byte) letter;
    }
  }

  /** One message. */
  public record Record(Sender sender, UnityMessageProto message) {}

  static final int HEAD = 5;

  /** The list is copied. */
  public Recording {
    records = List.copyOf(records);
  }

  /** The messages of one end. */
  public List<UnityMessageProto> of(Sender sender) {
    return records.stream().filter(r -> r.sender == sender).map(Record::message).toList();
  }

  /**
   * Reads a file.
   *
   * @throws IOException when it cannot be read or is no recording; the message says where
   */
  public static Recording read(Path file) throws IOException {
    return parse(Files.readAllBytes(file), file.toString());
  }

  /**
   * Reads a file's bytes.
   *
   * @param name what to call it in messages
   * @throws IOException when they are no recording
   */
  public static Recording parse(byte[] bytes, String name) throws IOException {
    ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    List<Record> records = new ArrayList<>();
    while (in.hasRemaining()) {
      int at = in.position();
      String where = name + ": record " + records.size() + " at byte " + at + " ";
      byte letter = in.get();
      if (letter != Sender.PLAYER.letter && letter != Sender.TRAINER.letter) {
        throw new IOException(
            where
                + "begins with byte "
                + (letter & 0xFF)
                + ", not with P or T. Remedy: name a file that 'bellman record' wrote.");
      }
      int length = in.remaining() < 4 ? Integer.MAX_VALUE : in.getInt();
      if (length < 0) {
        throw new IOException(where + "says its length is " + Integer.toUnsignedString(length));
      }
      if (length > in.remaining()) {
        return new Recording(records, true);
      }
      try {
        UnityMessageProto message = UnityMessageProto.parseFrom(in.slice(in.position(), length));
        records.add(
            new Record(letter == Sender.PLAYER.letter ? Sender.PLAYER : Sender.TRAINER, message));
      } catch (InvalidProtocolBufferException e) {
        throw new IOException(where + "is no UnityMessageProto: " + e.getMessage(), e);
      }
      in.position(in.position() + length);
    }
    return new Recording(records, false);
  }
}
