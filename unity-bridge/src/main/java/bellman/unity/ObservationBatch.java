package bellman.unity;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * One observation of all agents of a batch. Compressed images are decoded each time they are asked
 * for, and nothing is kept. Safe to read from several threads.
 */
public final class ObservationBatch {
  /**
   * An agent's data: numbers in the declared layout, or a compressed picture; one of them is null.
   */
  record Payload(float[] values, ByteString png, int[] mapping) {}

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
   * All agents' numbers, [size, shape…] in the declared layout, from {@code offset} on.
   *
   * @throws UnityException when a picture cannot be decoded
   * @throws IndexOutOfBoundsException when the buffer is too short
   */
  public void values(float[] into, int offset) {
    for (int i = 0; i < payloads.length; i++) {
      values(i, into, offset + i * spec.size());
    }
  }

  private void values(int index, float[] into, int offset) {
    Payload payload = payloads[index];
    if (payload.values() != null) {
      System.arraycopy(payload.values(), 0, into, offset, payload.values().length);
      return;
    }
    Png.Picture picture = decode(index);
    byte[] pixels = picture.pixels();
    float[] averages = picture.averages();
    int channels = spec.channels();
    int area = spec.height() * spec.width();
    boolean chw = spec.layout() == ObservationSpec.Layout.CHW;
    for (int i = 0; i < pixels.length; i++) {
      int at = chw ? (i % channels) * area + i / channels : i;
      into[offset + at] = (averages != null ? averages[i] : pixels[i] & 0xFF) / 255f;
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
    int channels = spec.channels();
    Payload payload = payloads[index];
    if (payload.png() != null) {
      return decode(index).pixels();
    }
    float[] values = payload.values();
    int area = spec.height() * spec.width();
    boolean chw = spec.layout() == ObservationSpec.Layout.CHW;
    byte[] out = new byte[values.length];
    for (int i = 0; i < out.length; i++) {
      float v = values[chw ? (i % channels) * area + i / channels : i];
      if (!(v >= 0f && v <= 1f)) {
        throw new UnityException(
            StepDecoder.where(behavior, agentIds[index], spec.name())
                + "holds "
                + v
                + ", which is no pixel: only numbers in 0 … 1 become bytes. Read values() instead.");
      }
      out[i] = (byte) Math.round(v * 255f);
    }
    return out;
  }

  /**
   * One agent's image as in {@link #pixels(int)}, written at the buffer's position.
   *
   * @throws java.nio.BufferOverflowException when the buffer is too short
   */
  public void pixels(int index, ByteBuffer into) {
    into.put(pixels(index));
  }

  /**
   * All agents' images, [size, height, width, channels], written at the buffer's position.
   *
   * @throws java.nio.BufferOverflowException when the buffer is too short
   */
  public void pixels(ByteBuffer into) {
    for (int i = 0; i < payloads.length; i++) {
      pixels(i, into);
    }
  }

  private Png.Picture decode(int index) {
    Payload payload = payloads[index];
    try {
      return Png.decode(
          payload.png().toByteArray(),
          spec.height(),
          spec.width(),
          spec.channels(),
          payload.mapping());
    } catch (IOException e) {
      throw new UnityException(
          StepDecoder.where(behavior, agentIds[index], spec.name())
              + "cannot be decoded: "
              + e.getMessage(),
          e);
    }
  }
}
