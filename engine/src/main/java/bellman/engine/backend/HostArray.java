package bellman.engine.backend;

/** How Java code sees the elements of a buffer that lies in host memory. */
public interface HostArray {
  long count();

  /** Element {@code i}; a byte counts as 0…255. */
  double get(long i);

  void set(long i, double value);

  /** Copies {@code n} float32 elements from {@code from} on to {@code to[at…]}. */
  void read(long from, float[] to, int at, int n);

  /** Copies {@code source[at…]} to the {@code n} float32 elements from {@code to} on. */
  void write(long to, float[] source, int at, int n);

  /** Copies {@code n} bytes from {@code from} on to {@code to[at…]}. */
  void read(long from, byte[] to, int at, int n);
}
