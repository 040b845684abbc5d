package bellman.rl.dqn;

import bellman.engine.Tensor;
import bellman.engine.backend.HostArray;
import bellman.engine.backend.Kernel;

/**
 * argmax_a Q(s, a) over the allowed actions, for kernels: the first of equals, NaN above all
 * numbers, action 0 of value −∞ where none is allowed.
 */
final class Greedy {
  /** {@code greedy(row of Q, row of forbidden, actions, value)} returns the action. */
  static final String CUDA =
      """
      __device__ int greedy(const float* q, const unsigned char* forbidden, int actions, float* v) {
        float top = 0;
        int best = 0;
        for (int a = 0; a < actions; a++) {
          float value = forbidden[a] != 0 ? __int_as_float(0xff800000) : q[a];
          if (a == 0 || value > top || (value != value && top == top)) {
            top = value;
            best = a;
          }
        }
        *v = top;
        return best;
      }
      """;

  private static final Kernel CHOOSE =
      new Kernel(
          "choose",
          CUDA
              + """
              extern "C" __global__ void choose(const float* q, const unsigned char* forbidden,
                  int* action, int actions, int n) {
                int row = blockIdx.x * blockDim.x + threadIdx.x;
                float v;
                if (row < n)
                  action[row] = greedy(q + row * actions, forbidden + row * actions, actions, &v);
              }
              """,
          (arguments, from, to) -> {
            int actions = arguments.integer(3);
            for (int row = from; row < to; row++) {
              HostArray q = arguments.array(0);
              arguments.array(2).set(row, greedy(q, arguments.array(1), row, actions));
            }
          });

  private Greedy() {}

  /** The action in one row. */
  static int greedy(HostArray q, HostArray forbidden, int row, int actions) {
    int best = 0;
    for (int a = 1; a < actions; a++) {
      double value = value(q, forbidden, row, actions, a);
      double top = value(q, forbidden, row, actions, best);
      if (value > top || (value != value && top == top)) {
        best = a;
      }
    }
    return best;
  }

  /** Q(s, a), or −∞ where a is forbidden. */
  static double value(HostArray q, HostArray forbidden, int row, int actions, int a) {
    long at = (long) row * actions + a;
    return forbidden.get(at) != 0 ? Double.NEGATIVE_INFINITY : q.get(at);
  }

  /**
   * action ← argmax_a Q(s, a).
   *
   * @param q [n, actions]
   * @param forbidden uint8 [n, actions], not 0 where an action is not allowed
   * @param action int32 [n], a state
   */
  static void choose(Tensor q, Tensor forbidden, Tensor action) {
    q.device().launch(CHOOSE, q.shape().dim(0), q, forbidden, action, q.shape().dim(1));
  }
}
