package bellman.rl.env;

import java.util.ArrayList;
import java.util.List;
import java.util.StringJoiner;

/**
 * What a model of a behavior takes and gives inside a player: all that the agent's sensors show, in
 * their order, and its discrete branches; and which of it the policy uses.
 *
 * @param observations the shape of each, without a batch: a picture [c, h, w], a vector [n] or, for
 *     things that vary in number, [n, features]
 * @param pictures those that are joined on channels to the frame's picture, in this order
 * @param vectors those that are joined to the frame's vector, in this order
 * @param goal the goal signal that chooses the block of both; −1: none does
 * @param branches one for each action that is chosen at a time
 */
public record Signature(
    List<List<Integer>> observations,
    List<Integer> pictures,
    List<Integer> vectors,
    int goal,
    List<Branch> branches) {
  /**
   * A discrete action.
   *
   * @param size choices that the player has
   * @param first choices below it are never taken
   */
  public record Branch(int size, int first) {
    public Branch {
      if (first < 0 || first >= size) {
        throw new IllegalArgumentException(
            "branch: its first action is " + first + "; it has the actions 0 to " + (size - 1));
      }
    }

    /** How many the policy chooses from. */
    public int choices() {
      return size - first;
    }
  }

  public Signature {
    observations = observations.stream().map(List::copyOf).toList();
    pictures = List.copyOf(pictures);
    vectors = List.copyOf(vectors);
    branches = List.copyOf(branches);
    List<Integer> flat = new ArrayList<>(vectors);
    if (goal >= 0) {
      flat.add(goal);
    }
    if (pictures.isEmpty() && vectors.isEmpty()
        || branches.isEmpty()
        || !haveRank(3, pictures, observations)
        || !haveRank(1, flat, observations)) {
      throw new IllegalArgumentException(
          "signature: of the observations "
              + observations
              + " the pictures "
              + pictures
              + ", the vectors "
              + vectors
              + " and the goal "
              + goal
              + ", with the branches "
              + branches
              + "; a policy sees pictures [c, h, w] or vectors [n], and has a branch");
    }
  }

  private static boolean haveRank(int rank, List<Integer> which, List<List<Integer>> all) {
    return which.stream().allMatch(i -> i >= 0 && i < all.size() && all.get(i).size() == rank);
  }

  /** Whether the policy uses an observation. */
  public boolean sees(int observation) {
    return observation == goal || pictures.contains(observation) || vectors.contains(observation);
  }

  /** How many blocks the goal chooses from: 1 without a goal. */
  public int blocks() {
    return goal < 0 ? 1 : observations.get(goal).get(0);
  }

  /** Actions of all branches together, those that are never taken too. */
  public int actions() {
    return branches.stream().mapToInt(Branch::size).sum();
  }

  /** What the policy chooses from, in all branches together. */
  public int choices() {
    return branches.stream().mapToInt(Branch::choices).sum();
  }

  /** Of a world with a sensor each for picture, vector and goal, as far as it has them. */
  public static Signature of(Frame frame, int goals, Branch branch) {
    List<List<Integer>> observations = new ArrayList<>();
    List<Integer> pictures = new ArrayList<>();
    List<Integer> vectors = new ArrayList<>();
    if (frame.hasPicture()) {
      pictures.add(observations.size());
      observations.add(List.of(frame.channels(), frame.height(), frame.width()));
    }
    if (frame.hasVector()) {
      vectors.add(observations.size());
      observations.add(List.of(frame.vector()));
    }
    int goal = goals == 0 ? -1 : observations.size();
    if (goals > 0) {
      observations.add(List.of(goals));
    }
    return new Signature(observations, pictures, vectors, goal, List.of(branch));
  }

  /** {@code obs_0 [3, 64, 84], obs_1 [2] as goal, obs_2 [7] not seen; actions 1 to 4 of 5}. */
  @Override
  public String toString() {
    StringJoiner text = new StringJoiner(", ");
    for (int i = 0; i < observations.size(); i++) {
      String use = i == goal ? " as goal" : sees(i) ? "" : " not seen";
      text.add("obs_" + i + " " + observations.get(i) + use);
    }
    StringJoiner actions = new StringJoiner(", ");
    for (Branch b : branches) {
      actions.add(b.first() + " to " + (b.size() - 1) + " of " + b.size());
    }
    return text + "; actions " + actions;
  }
}
