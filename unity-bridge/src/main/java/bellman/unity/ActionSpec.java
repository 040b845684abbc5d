package bellman.unity;

import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * What an agent of a behavior can do.
 *
 * @param continuousSize how many continuous actions, usually in [−1, 1]
 * @param branches how many choices each discrete branch has
 */
public record ActionSpec(int continuousSize, List<Integer> branches) {
  /**
   * @throws IllegalArgumentException when a size is negative or a branch has no choice
   */
  public ActionSpec {
    branches = List.copyOf(branches);
    if (continuousSize < 0 || branches.stream().anyMatch(size -> size <= 0)) {
      throw new IllegalArgumentException(
          "actions: "
              + continuousSize
              + " continuous and branches "
              + branches
              + "; sizes must not be negative and every branch needs a choice");
    }
  }

  /** Continuous actions only. */
  public static ActionSpec continuous(int size) {
    return new ActionSpec(size, List.of());
  }

  /** Discrete branches only, with this many choices each. */
  public static ActionSpec discrete(int... branches) {
    return new ActionSpec(0, Arrays.stream(branches).boxed().toList());
  }

  /** Whether all actions are continuous, and there is one. */
  public boolean isContinuous() {
    return continuousSize > 0 && branches.isEmpty();
  }

  /** Whether all actions are discrete, and there is one. */
  public boolean isDiscrete() {
    return continuousSize == 0 && !branches.isEmpty();
  }

  /** How many discrete branches. */
  public int discreteSize() {
    return branches.size();
  }

  /** Choices of all branches together: the length of an agent's mask. */
  public int maskSize() {
    return branches.stream().mapToInt(Integer::intValue).sum();
  }

  /** Zeros for this many agents: what an agent does when nobody chooses. */
  public ActionTuple empty(int agents) {
    return new ActionTuple(new float[agents][continuousSize], new int[agents][branches.size()]);
  }

  /**
   * Random actions for this many agents: continuous uniform in [−1, 1), discrete uniform per
   * branch. Masks are ignored.
   */
  public ActionTuple random(RandomGenerator rng, int agents) {
    float[][] continuous = new float[agents][continuousSize];
    int[][] discrete = new int[agents][branches.size()];
    for (int a = 0; a < agents; a++) {
      for (int i = 0; i < continuousSize; i++) {
        continuous[a][i] = rng.nextFloat(-1f, 1f);
      }
      for (int b = 0; b < branches.size(); b++) {
        discrete[a][b] = rng.nextInt(branches.get(b));
      }
    }
    return new ActionTuple(continuous, discrete);
  }

  /** Checks actions against this spec; the text names what differs. */
  void check(String behavior, ActionTuple actions, int agents) {
    float[][] continuous = actions.continuous();
    int[][] discrete = actions.discrete();
    if (actions.agents() != agents) {
      throw new IllegalArgumentException(
          behavior
              + ": actions for "
              + actions.agents()
              + " agents, but "
              + agents
              + " wait for one; give one row per agent of the decision steps, in their order");
    }
    for (int a = 0; a < agents; a++) {
      if (continuous[a].length != continuousSize || discrete[a].length != branches.size()) {
        throw new IllegalArgumentException(
            behavior
                + ": row "
                + a
                + " has "
                + continuous[a].length
                + " continuous and "
                + discrete[a].length
                + " discrete actions; the behavior has "
                + continuousSize
                + " continuous and branches "
                + branches);
      }
      for (int i = 0; i < continuousSize; i++) {
        if (!Float.isFinite(continuous[a][i])) {
          throw new IllegalArgumentException(
              behavior
                  + ": row "
                  + a
                  + ", continuous action "
                  + i
                  + " is "
                  + continuous[a][i]
                  + "; it must be finite");
        }
      }
      for (int b = 0; b < branches.size(); b++) {
        if (discrete[a][b] < 0 || discrete[a][b] >= branches.get(b)) {
          throw new IllegalArgumentException(
              behavior
                  + ": row "
                  + a
                  + ", branch "
                  + b
                  + ": action "
                  + discrete[a][b]
                  + " is outside 0 to "
                  + (branches.get(b) - 1));
        }
      }
    }
  }
}
