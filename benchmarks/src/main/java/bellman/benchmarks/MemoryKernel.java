package bellman.benchmarks;

import bellman.engine.DType;
import bellman.engine.backend.Backend;
import bellman.engine.backend.Buffer;
import bellman.engine.backend.Pointwise;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * A kernel that memory limits, over a matrix [rows, cols].
 *
 * @param operands in the order in which {@code run} takes their buffers; the last is the result
 * @param run one call
 * @param flops for each element of the matrix
 */
record MemoryKernel(List<Operand> operands, Run run, double flops) {
  /** How many elements an operand has. */
  enum Extent {
    /** [rows, cols] */
    MATRIX,
    /** [rows] */
    COLUMN,
    /** [cols] */
    ROW,
    /** [] */
    ONE;

    long count(long rows, long cols) {
      return switch (this) {
        case MATRIX -> rows * cols;
        case COLUMN -> rows;
        case ROW -> cols;
        case ONE -> 1;
      };
    }

    /** Whether a block of rows has a part of it, and not all of it. */
    boolean splits() {
      return this == MATRIX || this == COLUMN;
    }
  }

  /**
   * A buffer: float32 and uint8 are random numbers, int32 are columns.
   *
   * @param moved how much of it a call reads or writes
   */
  record Operand(Extent extent, DType dtype, Extent moved) {
    Operand(Extent extent, DType dtype) {
      this(extent, dtype, extent);
    }
  }

  /** One call on rows × cols. */
  @FunctionalInterface
  interface Run {
    void on(Backend backend, int rows, int cols, Buffer[] operands);
  }

  private static final Operand MATRIX = new Operand(Extent.MATRIX, DType.FLOAT32);
  private static final Operand COLUMN = new Operand(Extent.COLUMN, DType.FLOAT32);
  private static final Operand ROW = new Operand(Extent.ROW, DType.FLOAT32);
  private static final Operand ONE = new Operand(Extent.ONE, DType.FLOAT32);
  private static final Operand INDEX = new Operand(Extent.COLUMN, DType.INT32);
  private static final Operand PICKED = new Operand(Extent.MATRIX, DType.FLOAT32, Extent.COLUMN);
  private static final Operand BYTES = new Operand(Extent.MATRIX, DType.UINT8);

  /** Constants of the pointwise rows that have some: limits, a slope, a width. */
  private static final float A = 0.25f;

  private static final float B = 0.5f;

  /** By name: those of {@link Backend}'s methods and of {@link Pointwise}'s rows. */
  static final Map<String, MemoryKernel> ALL = all();

  static MemoryKernel of(String name) {
    MemoryKernel kernel = ALL.get(name);
    if (kernel == null) {
      throw new IllegalArgumentException(
          "kernel: '" + name + "' is unknown; there are " + String.join(", ", ALL.keySet()));
    }
    return kernel;
  }

  Operand result() {
    return operands.get(operands.size() - 1);
  }

  private static Map<String, MemoryKernel> all() {
    Map<String, MemoryKernel> all = new LinkedHashMap<>();
    put(all, "copy", 0, (b, rows, cols, o) -> b.copy(o[0], o[1]), MATRIX, MATRIX);
    put(all, "fill", 0, (b, rows, cols, o) -> b.fill(o[0], 0.5), MATRIX);
    put(all, "spread", 0, (b, rows, cols, o) -> b.spread(o[0], o[1]), ONE, MATRIX);
    for (Pointwise row : Pointwise.values()) {
      boolean two = row.operands() == 2;
      put(
          all,
          row.name().toLowerCase(Locale.ROOT),
          1,
          two
              ? (b, rows, cols, o) -> b.map(row, A, B, o[2], o[0], o[1])
              : (b, rows, cols, o) -> b.map(row, A, B, o[1], o[0]),
          two ? new Operand[] {MATRIX, MATRIX, MATRIX} : new Operand[] {MATRIX, MATRIX});
    }
    put(all, "to_float", 1, (b, rows, cols, o) -> b.toFloat(o[0], 255, o[1]), BYTES, MATRIX);
    put(
        all,
        "masked_fill",
        0,
        (b, rows, cols, o) -> b.maskedFill(o[0], o[1], -1, o[2]),
        MATRIX,
        BYTES,
        MATRIX);
    put(
        all,
        "add_row",
        1,
        (b, rows, cols, o) -> b.addRow(o[0], o[1], rows, cols, o[2]),
        MATRIX,
        ROW,
        MATRIX);
    put(all, "sum_rows", 1, (b, rows, cols, o) -> b.sumRows(o[0], rows, cols, o[1]), MATRIX, ROW);
    put(all, "sum", 1, (b, rows, cols, o) -> b.sum(o[0], o[1]), MATRIX, ONE);
    put(all, "max_abs", 1, (b, rows, cols, o) -> b.maxAbs(o[0], o[1]), MATRIX, ONE);
    put(
        all,
        "row_argmax",
        1,
        (b, rows, cols, o) -> b.rowArgmax(o[0], rows, cols, o[1]),
        MATRIX,
        INDEX);
    put(
        all,
        "pick",
        0,
        (b, rows, cols, o) -> b.pick(o[0], rows, cols, o[1], o[2]),
        PICKED,
        INDEX,
        COLUMN);
    put(
        all,
        "place",
        0,
        (b, rows, cols, o) -> b.place(o[0], rows, cols, o[1], o[2]),
        COLUMN,
        INDEX,
        MATRIX);
    put(all, "one_hot", 0, (b, rows, cols, o) -> b.oneHot(o[0], rows, cols, o[1]), INDEX, MATRIX);
    put(
        all,
        "copy_columns",
        0,
        (b, rows, cols, o) -> b.copyColumns(o[0], rows, cols, 0, o[1], cols, 0, cols),
        MATRIX,
        MATRIX);
    put(
        all,
        "permute", // [rows, 4, cols/4] → [rows, cols/4, 4]
        0,
        (b, rows, cols, o) ->
            b.permute(o[0], new int[] {rows, 4, cols / 4}, new int[] {0, 2, 1}, o[1]),
        MATRIX,
        MATRIX);
    return all;
  }

  private static void put(
      Map<String, MemoryKernel> all, String name, double flops, Run run, Operand... operands) {
    all.put(name, new MemoryKernel(List.of(operands), run, flops));
  }
}
