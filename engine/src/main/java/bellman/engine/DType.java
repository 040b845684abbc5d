package bellman.engine;

/**
 * What one element of a tensor is. Arithmetic is float32; bytes hold pixels and masks, ints
 * indices.
 */
public enum DType {
  FLOAT32(4),
  UINT8(1),
  INT32(4);

  private final int bytes;

  DType(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes of one element. */
  public int bytes() {
    return bytes;
  }
}
