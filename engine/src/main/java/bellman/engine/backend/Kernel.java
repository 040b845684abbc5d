package bellman.engine.backend;

/**
 * An op defined outside the engine: {@code threads} threads for each item on the GPU, a loop over
 * items on the CPU. The threads of a block may share out the work of the block's items as they
 * like.
 *
 * <p>{@code cuda} is the source of {@code extern "C" __global__ void name(…, int n)}: its
 * parameters are the launch's arguments in order (a tensor is a pointer to its elements, an {@code
 * Integer} an int, a {@code Float} a float), then the number of items. It may call {@code unsigned
 * philox(k0, k1, c0, c1, c2, c3)}, the first word of {@link Philox}'s block. {@code java} does the
 * same for the items {@code from … to − 1}; ranges run in parallel, so an item writes only what is
 * its own.
 */
public record Kernel(String name, String cuda, int threads, Loop java) {
  /** One thread for each item. */
  public Kernel(String name, String cuda, Loop java) {
    this(name, cuda, 1, java);
  }

  /** The Java twin. */
  @FunctionalInterface
  public interface Loop {
    void run(Arguments arguments, int from, int to);
  }

  /** The launch's arguments, by position. */
  public interface Arguments {
    HostArray array(int i);

    int integer(int i);

    float number(int i);
  }
}
