package bellman.unity;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.nio.BufferOverflowException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Objects;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/**
 * One observation of all agents of a batch. Compressed images are decoded each time they are asked
 * for, and nothing is kept. Safe to read from several threads.
 */
public final class ObservationBatch {
  /**
   * An agent's data: numbers in the declared layout, or a compressed picture; one of them is null.
   */
  record Payload(float[] values, ByteString png, int[] mapping) {
    /** Whether both hold the same data. */
    boolean sameAs(Payload other) {
      return Objects.equals(png, other.png) && Arrays.equals(values, other.values);
    }
  }

  private final String behavior;
  private final ObservationSpec spec;
  private final int[] agentIds;
  private final Payload[] payloads;

  ObservationBatch(String behavior, ObservationSpec spec, int[] agentIds, Payload[] payloads) {
    this.behavior = behavior;
    this.spec = spec;
    this.agentIds = agentIds;
    this.payloads = payloads;
  }

  /** Shape, layout and name. */
  public ObservationSpec spec() {
    return spec;
  }

  Payload payload(int index) {
    return payloads[index];
  }

  /** How many agents. */
  public int size() {
    return payloads.length;
  }

  /** Whether this agent's image came as PNG, so that {@link #pixels} are what Unity rendered. */
  public boolean compressed(int index) {
    return payloads[index].png() != null;
  }

  /**
   * One agent's numbers in the declared layout, [spec.size()]; pixels of a PNG become byte / 255.
   *
   * @throws UnityException when a picture cannot be decoded
   */
  public float[] values(int index) {
    float[] out = new float[spec.size()];
    values(index, out, 0);
    return out;
  }

  /**
   * All agents' numbers, [size, shape…] in the declared layout, from {@code offset} on. Pictures
   * are decoded on several threads.
   *
   * @throws UnityException when a picture cannot be decoded; of the first such agent
   * @throws IndexOutOfBoundsException when the array is too short
   */
  public void values(float[] into, int offset) {
    Objects.checkFromIndexSize(offset, payloads.length * spec.size(), into.length);
    forEach(i -> values(i, into, offset + i * spec.size()));
  }

  private void values(int index, float[] into, int offset) {
    Payload payload = payloads[index];
    if (payload.values() != null) {
      System.arraycopy(payload.values(), 0, into, offset, payload.values().length);
      return;
    }
    try {
      Png.ofThread().values(payload.png(), spec, payload.mapping(), into, offset);
    } catch (IOException e) {
      throw undecodable(index, e);
    }
  }

  /**
   * One agent's image, [height · width · channels], row 0 on top, whatever layout is declared. An
   * image that came as numbers is rounded to bytes.
   *
   * @throws IllegalStateException when this is no image
   * @throws UnityException when a picture cannot be decoded, or numbers are outside 0 … 1
   */
  public byte[] pixels(int index) {
    spec.channels(); // only images have any
    byte[] out = new byte[spec.size()];
    pixels(index, out, 0);
    return out;
  }

  /**
   * One agent's image as in {@link #pixels(int)}, written at the buffer's position.
   *
   * @throws java.nio.BufferOverflowException when the buffer is too short
   */
  public void pixels(int index, ByteBuffer into) {
    pixels(index, index + 1, into);
  }

  /**
   * All agents' images, [size, height, width, channels], written at the buffer's position. They are
   * decoded on several threads.
   *
   * @throws java.nio.BufferOverflowException when the buffer is too short
   * @throws UnityException when a picture cannot be decoded; of the first such agent
   */
  public void pixels(ByteBuffer into) {
    pixels(0, payloads.length, into);
  }

  private void pixels(int first, int end, ByteBuffer into) {
    spec.channels();
    int size = spec.size();
    if (into.remaining() < (end - first) * size) {
      throw new BufferOverflowException();
    }
    int at = into.position();
    if (into.hasArray()) {
      int offset = into.arrayOffset() + at;
      forEach(first, end, i -> pixels(i, into.array(), offset + (i - first) * size));
    } else {
      forEach(first, end, i -> into.put(at + (i - first) * size, pixels(i)));
    }
    into.position(at + (end - first) * size);
  }

  private void pixels(int index, byte[] into, int offset) {
    Payload payload = payloads[index];
    if (payload.png() != null) {
      try {
        Png.ofThread().pixels(payload.png(), spec, payload.mapping(), into, offset);
      } catch (IOException e) {
        throw undecodable(index, e);
      }
      return;
    }
    int channels = spec.channels();
    float[] values = payload.values();
    int area = spec.height() * spec.width();
    boolean chw = spec.layout() == ObservationSpec.Layout.CHW;
    for (int i = 0; i < values.length; i++) {
      float v = values[chw ? (i % channels) * area + i / channels : i];
      if (!(v >= 0f && v <= 1f)) {
        throw new UnityException(
            StepDecoder.where(behavior, agentIds[index], spec.name())
                + "holds "
                + v
                + ", which is no pixel: only numbers in 0 … 1 become bytes. Read values() instead.");
      }
      into[offset + i] = (byte) Math.round(v * 255f);
    }
  }

  /** Runs it for every agent, at the same time where pictures make that worth while. */
  private void forEach(IntConsumer decode) {
    forEach(0, payloads.length, decode);
  }

  private void forEach(int first, int end, IntConsumer decode) {
    boolean compressed = false;
    for (int i = first; i < end; i++) {
      compressed |= payloads[i].png() != null;
    }
    if (!compressed || end - first == 1) {
      for (int i = first; i < end; i++) {
        decode.accept(i);
      }
      return;
    }
    // Which failure a parallel stream throws is left to chance; the first agent's shall be it.
    RuntimeException[] failures = new RuntimeException[end - first];
    IntStream.range(first, end)
        .parallel()
        .forEach(
            i -> {
              try {
                decode.accept(i);
              } catch (RuntimeException e) {
                failures[i - first] = e;
              }
            });
    for (RuntimeException failure : failures) {
      if (failure != null) {
        throw failure;
      }
    }
  }

  private UnityException undecodable(int index, IOException e) {
    return new UnityException(
        StepDecoder.where(behavior, agentIds[index], spec.name())
            + "cannot be decoded: "
            + e.getMessage()
            + (e instanceof Png.SizeException size ? otherLayout(size) : ""),
        e);
  }

  /** A hint, should the picture fit the shape read the other way round. */
  private String otherLayout(Png.SizeException picture) {
    boolean chw = spec.layout() == ObservationSpec.Layout.CHW;
    int height = spec.shape().get(chw ? 0 : 1);
    int width = spec.shape().get(chw ? 1 : 2);
    return picture.height == height && picture.width == width
        ? ". The shape "
            + spec.shape()
            + " would fit if read as "
            + (chw ? "height, width, channels" : "channels, height, width")
            + ": the sensor's dimension properties, or the player's package version, say otherwise;"
            + " give its channel axis the property None and the others TranslationalEquivariance"
        : "";
  }
}
