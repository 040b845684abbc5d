package bellman.engine.backend;

/**
 * The table of pointwise ops. A row states one function three times: as a CUDA expression, as a
 * scalar in double for the reference, and as a loop over rows of floats for the CPU. Operands are x
 * and y, constants a and b. A gradient row takes dy as x, and as y whatever its forward row kept.
 *
 * <p>Each loop indexes separate arrays by j alone: that is the form which HotSpot turns into vector
 * instructions.
 */
public enum Pointwise {
  /** max(x, 0); NaN stays NaN. */
  RELU(1, "x <= 0.f ? 0.f : x") {
    @Override
    public double at(double x, double y, double a, double b) {
      return x <= 0 ? 0 : x;
    }

    @Override
    public void run(float[] x, float[] y, float a, float b, float[] out, int n) {
      for (int j = 0; j < n; j++) out[j] = Math.max(x[j], 0f);
    }
  },
  /** dy where the result y was positive (or NaN). */
  RELU_GRADIENT(2, "y <= 0.f ? 0.f : x") {
    @Override
    public double at(double x, double y, double a, double b) {
      return y <= 0 ? 0 : x;
    }

    @Override
    public void run(float[] x, float[] y, float a, float b, float[] out, int n) {
      for (int j = 0; j < n; j++) out[j] = y[j] <= 0f ? 0f : x[j];
    }
  },
  TANH(1, "tanhf(x)") {
    @Override
    public double at(double x, double y, double a, double b) {
      return Math.tanh(x);
    }

    @Override
    public void run(float[] x, float[] y, float a, float b, float[] out, int n) {
      for (int j = 0; j < n; j++) out[j] = (float) Math.tanh(x[j]);
    }
  },
  /** dy (1 − y²), y the result. */
  TANH_GRADIENT(2, "x * (1.f - y * y)") {
    @Override
    public double at(double x, double y, double a, double b) {
      return x * (1 - y * y);
    }

    @Override
    public void run(float[] x, float[] y, float a, float b, float[] out, int n) {
      for (int j = 0; j < n; j++) out[j] = x[j] * (1f - y[j] * y[j]);
    }
  },
  SIGMOID(1, "1.f / (1.f + expf(-x))") {
    @Override
    public double at(double x, double y, double a, double b) {
      return 1 / (1 + Math.exp(-x));
    }

    @Override
    public void run(float[] x, float[] y, float a, float b, float[] out, int n) {
      for (int j = 0; j < n; j++) out[j] = (float) (1 / (1 + Math.exp(-x[j])));
    }
  },
  /** dy y (1 − y), y the result. */
  SIGMOID_GRADIENT(2, "x * y * (1.f - y)") {
    @Override
    public double at(double x, double y, double a, double b) {
      return x * y * (1 - y);
    }

    @Override
    public void run(float[] x, float[] y, float a, float b, float[] out, int n) {
      for (int j = 0; j < n; j++) out[j] = x[j] * y[j] * (1f - y[j]);
    }
  },
  EXP(1, "expf(x)") {
    @Override
    public double at(double x, double y, double a, double b) {
      return Math.exp(x);
    }

    @Override
    public void run(float[] x, float[] y, float a, float b, float[] out, int n) {
      for (int j = 0; j < n; j++) out[j] = (float) Math.exp(x[j]);
    }
  },
  SQRT(1, "sqrtf(x)") {
    @Override
    public double at(double x, double y, double a, double b) {
      return Math.sqrt(x);
    }

    @Override
    public void run(float[] x, float[] y, float a, float b, float[] out, int n) {
      for (int j = 0; j < n; j++) out[j] = (float) Math.sqrt(x[j]);
    }
  },
  /** dy / (2y), y the result. */
  SQRT_GRADIENT(2, "x / (2.f * y)") {
    @Override
    public double at(double x, double y, double a, double b) {
      return x / (2 * y);
    }

    @Override
    public void run(float[] x, float[] y, float a, float b, float[] out, int n) {
      for (int j = 0; j < n; j++) out[j] = x[j] / (2f * y[j]);
    }
  },
  SQUARE(1, "x * x") {
    @Override
    public double at(double x, double y, double a, double b) {
      return x * x;
    }

    @Override
    public void run(float[] x, float[] y, float a, float b, float[] out, int n) {
      for (int j = 0; j < n; j++) out[j] = x[j] * x[j];
    }
  },
  /** 2 dy x. */
  SQUARE_GRADIENT(2, "2.f * x * y") {
    @Override
    public double at(double x, double y, double a, double b) {
      return 2 * x * y;
    }

    @Override
    public void run(float[] x, float[] y, float a, float b, float[] out, int n) {
      for (int j = 0; j < n; j++) out[j] = 2f * x[j] * y[j];
    }
  },
  /** a x. */
  SCALE(1, "a * x") {
    @Override
    public double at(double x, double y, double a, double b) {
      return a * x;
    }

    @Override
    public void run(float[] x, float[] y, float a, float b, float[] out, int n) {
      for (int j = 0; j < n; j++) out[j] = a * x[j];
    }
  },
  /** x + a. */
  SHIFT(1, "x + a") {
    @Override
    public double at(double x, double y, double a, double b) {
      return x + a;
    }

    @Override
    public void run(float[] x, float[] y, float a, float b, float[] out, int n) {
      for (int j = 0; j < n; j++) out[j] = x[j] + a;
    }
  },
  /** x limited to [a, b]; NaN stays NaN. */
  CLIP(1, "x < a ? a : x > b ? b : x") {
    @Override
    public double at(double x, double y, double a, double b) {
      return x < a ? a : x > b ? b : x;
    }

    @Override
    public void run(float[] x, float[] y, float a, float b, float[] out, int n) {
      for (int j = 0; j < n; j++) out[j] = x[j] < a ? a : x[j] > b ? b : x[j];
    }
  },
  /** dy where a ≤ y ≤ b, y the operand. */
  CLIP_GRADIENT(2, "y >= a && y <= b ? x : 0.f") {
    @Override
    public double at(double x, double y, double a, double b) {
      return y >= a && y <= b ? x : 0;
    }

    @Override
    public void run(float[] x, float[] y, float a, float b, float[] out, int n) {
      for (int j = 0; j < n; j++) out[j] = y[j] >= a && y[j] <= b ? x[j] : 0f;
    }
  },
  /** |x| &lt; a ? x²/(2a) : |x| − a/2: PyTorch's smooth_l1_loss of a difference x, β = a. */
  SMOOTH_L1(1, "fabsf(x) < a ? 0.5f * x * x / a : fabsf(x) - 0.5f * a") {
    @Override
    public double at(double x, double y, double a, double b) {
      return Math.abs(x) < a ? 0.5 * x * x / a : Math.abs(x) - 0.5 * a;
    }

    @Override
    public void run(float[] x, float[] y, float a, float b, float[] out, int n) {
      for (int j = 0; j < n; j++) {
        float d = Math.abs(x[j]);
        out[j] = d < a ? 0.5f * d * d / a : d - 0.5f * a;
      }
    }
  },
  /** dy · (|y| &lt; a ? y/a : sign y), y the operand. */
  SMOOTH_L1_GRADIENT(2, "fabsf(y) < a ? x * y / a : y > 0.f ? x : y < 0.f ? -x : x * y") {
    @Override
    public double at(double x, double y, double a, double b) {
      return Math.abs(y) < a ? x * y / a : y > 0 ? x : y < 0 ? -x : x * y;
    }

    @Override
    public void run(float[] x, float[] y, float a, float b, float[] out, int n) {
      for (int j = 0; j < n; j++) {
        float d = y[j];
        out[j] = Math.abs(d) < a ? x[j] * d / a : d > 0f ? x[j] : d < 0f ? -x[j] : x[j] * d;
      }
    }
  },
  ADD(2, "x + y") {
    @Override
    public double at(double x, double y, double a, double b) {
      return x + y;
    }

    @Override
    public void run(float[] x, float[] y, float a, float b, float[] out, int n) {
      for (int j = 0; j < n; j++) out[j] = x[j] + y[j];
    }
  },
  SUB(2, "x - y") {
    @Override
    public double at(double x, double y, double a, double b) {
      return x - y;
    }

    @Override
    public void run(float[] x, float[] y, float a, float b, float[] out, int n) {
      for (int j = 0; j < n; j++) out[j] = x[j] - y[j];
    }
  },
  MUL(2, "x * y") {
    @Override
    public double at(double x, double y, double a, double b) {
      return x * y;
    }

    @Override
    public void run(float[] x, float[] y, float a, float b, float[] out, int n) {
      for (int j = 0; j < n; j++) out[j] = x[j] * y[j];
    }
  },
  /** The larger of x and y, of two zeros the positive one; NaN if either is. */
  MAX(2, "x != x || y != y ? x + y : fmaxf(x, y)") {
    @Override
    public double at(double x, double y, double a, double b) {
      return Math.max(x, y);
    }

    @Override
    public void run(float[] x, float[] y, float a, float b, float[] out, int n) {
      for (int j = 0; j < n; j++) out[j] = Math.max(x[j], y[j]);
    }
  },
  ABS(1, "fabsf(x)") {
    @Override
    public double at(double x, double y, double a, double b) {
      return Math.abs(x);
    }

    @Override
    public void run(float[] x, float[] y, float a, float b, float[] out, int n) {
      for (int j = 0; j < n; j++) out[j] = Math.abs(x[j]);
    }
  },
  /** dy · sign y, y the operand; 0 at 0. */
  ABS_GRADIENT(2, "y > 0.f ? x : y < 0.f ? -x : x * y") {
    @Override
    public double at(double x, double y, double a, double b) {
      return y > 0 ? x : y < 0 ? -x : x * y;
    }

    @Override
    public void run(float[] x, float[] y, float a, float b, float[] out, int n) {
      for (int j = 0; j < n; j++) out[j] = y[j] > 0f ? x[j] : y[j] < 0f ? -x[j] : x[j] * y[j];
    }
  };

  private final int operands;
  private final String cuda;

  Pointwise(int operands, String cuda) {
    this.operands = operands;
    this.cuda = cuda;
  }

  /** How many tensors it takes: 1 (x) or 2 (x and y). */
  public int operands() {
    return operands;
  }

  /** The function as a CUDA C++ expression of floats x, y, a, b. */
  public String cuda() {
    return cuda;
  }

  /** The function in double: the oracle. */
  public abstract double at(double x, double y, double a, double b);

  /** {@code out[j] ← op(x[j], y[j])} for j &lt; n; {@code y} is null for one operand. */
  public abstract void run(float[] x, float[] y, float a, float b, float[] out, int n);
}
