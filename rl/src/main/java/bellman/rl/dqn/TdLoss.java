package bellman.rl.dqn;

import bellman.engine.DType;
import bellman.engine.Device;
import bellman.engine.Shape;
import bellman.engine.ShapeException;
import bellman.engine.Tensor;
import bellman.engine.backend.HostArray;
import bellman.engine.backend.Kernel;
import bellman.nn.Huber;
import bellman.rl.replay.Batch;

/**
 * mean Huber(Q(s, a) − y) with its gradient and its statistics as one kernel, where the composition
 * of {@link TdTarget}, pick and {@link Huber} takes twenty: between the forward and the backward
 * pass of a small network nothing else can run.
 */
final class TdLoss {
  /** Sums that {@link #qLearning} adds to: of L, of the mean Q(s, a), of the mean y. */
  static final int SUMS = 3;

  // One block, whatever B is: its threads take the rows in turn.
  private static final Kernel Q_LEARNING =
      new Kernel(
          "q_learning_loss",
          Greedy.CUDA
              + """
              extern "C" __global__ void q_learning_loss(
                  const float* q, const int* __restrict__ a, const float* __restrict__ r,
                  const float* __restrict__ discount, const float* qNext,
                  const unsigned char* forbiddenNext, float* loss, float* dq, float* sums,
                  float delta, int rows, int actions, int n) {
                __shared__ double part[3][32];
                double sum[3] = {0, 0, 0};
                float unit = delta / rows;  // ∂L/∂q where |q − y| ≥ δ
                for (int row = threadIdx.x; row < rows; row += blockDim.x) {
                  const float* Q = q + (long long)row * actions;
                  float* dQ = dq + (long long)row * actions;
                  int chosen = a[row];
                  float weight = discount[row], reward = r[row], v;
                  bool sound = chosen >= 0 && chosen < actions;
                  float qa = sound ? Q[chosen] : __int_as_float(0x7fc00000);
                  long long next = (long long)row * actions;
                  greedy(qNext + next, forbiddenNext + next, actions, &v);
                  float y = __fadd_rn(reward, __fmul_rn(weight, v));
                  float d = qa - y, far = fabsf(d);
                  sum[0] += far < delta ? 0.5f * d * d : delta * (far - 0.5f * delta);
                  sum[1] += qa;
                  sum[2] += y;
                  float g = far < delta ? d / rows : d > 0 ? unit : d < 0 ? -unit : d;  // NaN stays
                  for (int i = 0; i < actions; i++) dQ[i] = i == chosen ? g : 0.f;
                }
                for (int s = 0; s < 3; s++) {
                  for (int far = 16; far > 0; far /= 2) sum[s] += __shfl_down_sync(~0u, sum[s], far);
                  if (threadIdx.x % 32 == 0) part[s][threadIdx.x / 32] = sum[s];
                }
                __syncthreads();
                if (threadIdx.x >= 3) return;
                double total = 0;
                for (int w = 0; w < blockDim.x / 32; w++) total += part[threadIdx.x][w];
                float mean = (float)(total / rows);
                sums[threadIdx.x] += mean;
                if (threadIdx.x == 0) loss[0] = mean;
              }
              """,
          TdLoss::qLearning);

  private TdLoss() {}

  /**
   * The loss of Q-learning: mean Huber(Q(s, a) − y) with y of {@link TdTarget#qLearning}. The
   * gradient flows to Q(s, ·) alone.
   *
   * @param q Q(s, ·; θ) [B, actions]
   * @param qNext Q(s′, ·; θ⁻) [B, actions]
   * @param sums a state [3]: raised by L, mean Q(s, a) and mean y
   * @return L []
   */
  static Tensor qLearning(Huber huber, Batch b, Tensor q, Tensor qNext, Tensor sums) {
    if (q.shape().rank() != 2 || q.shape().size() == 0) {
      throw new ShapeException("TD loss: Q(s, ·) is [batch, actions], got " + q.described());
    }
    int rows = q.shape().dim(0);
    require("Q(s′, ·)", qNext, q.shape(), DType.FLOAT32);
    require("forbidden in s′", b.forbiddenNext(), q.shape(), DType.UINT8);
    require("a", b.a(), Shape.of(rows), DType.INT32);
    require("r", b.r(), Shape.of(rows), DType.FLOAT32);
    require("discount", b.discount(), Shape.of(rows), DType.FLOAT32);
    require("the state of sums", sums, Shape.of(SUMS), DType.FLOAT32);
    Device device = q.device();
    Tensor loss = device.empty(Shape.scalar(), DType.FLOAT32);
    Tensor dq = device.empty(q.shape(), DType.FLOAT32);
    device.launch(
        Q_LEARNING,
        1,
        q,
        b.a(),
        b.r(),
        b.discount(),
        qNext,
        b.forbiddenNext(),
        loss,
        dq,
        sums,
        huber.delta(),
        rows,
        q.shape().dim(1));
    return loss.from(q, dq).named("TD loss");
  }

  private static void require(String role, Tensor x, Shape shape, DType dtype) {
    if (!x.shape().equals(shape) || x.dtype() != dtype) {
      throw new ShapeException(
          "TD loss: %s must be %s %s to go with Q(s, ·), got %s %s"
              .formatted(role, dtype, shape, x.dtype(), x.described()));
    }
  }

  private static void qLearning(Kernel.Arguments arguments, int from, int to) {
    HostArray q = arguments.array(0);
    HostArray dq = arguments.array(7);
    double delta = arguments.number(9);
    int rows = arguments.integer(10);
    int actions = arguments.integer(11);
    double[] sum = new double[SUMS];
    for (int row = 0; row < rows; row++) {
      int chosen = (int) arguments.array(1).get(row);
      boolean sound = chosen >= 0 && chosen < actions;
      double qa = sound ? q.get((long) row * actions + chosen) : Double.NaN;
      HostArray qNext = arguments.array(4);
      HostArray forbidden = arguments.array(5);
      int best = Greedy.greedy(qNext, forbidden, row, actions);
      double v = Greedy.value(qNext, forbidden, row, actions, best);
      double y = arguments.array(2).get(row) + arguments.array(3).get(row) * v;
      double d = qa - y;
      double far = Math.abs(d);
      sum[0] += far < delta ? 0.5 * d * d : delta * (far - 0.5 * delta);
      sum[1] += qa;
      sum[2] += y;
      double g = (far < delta ? d : delta * Math.signum(d)) / rows; // NaN stays
      for (int i = 0; i < actions; i++) {
        dq.set((long) row * actions + i, i == chosen ? g : 0);
      }
    }
    arguments.array(6).set(0, sum[0] / rows);
    HostArray sums = arguments.array(8);
    for (int i = 0; i < SUMS; i++) {
      sums.set(i, sums.get(i) + sum[i] / rows);
    }
  }
}
