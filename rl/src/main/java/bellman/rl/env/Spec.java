package bellman.rl.env;

/**
 * What an environment asks of a policy.
 *
 * @param name of the behavior, as in GridWorld; names the run's files
 * @param frame what an agent sees
 * @param goals how many goals an observation can name; 0 where there is none
 * @param actions how many actions the policy chooses from
 * @param signature how that comes from what the player shows and asks
 */
public record Spec(String name, Frame frame, int goals, int actions, Signature signature) {
  public Spec {
    if (goals < 0 || actions < 1) {
      throw new IllegalArgumentException(
          name + ": goals are 0 or more and actions 1 or more, got " + goals + " and " + actions);
    }
  }

  /** A world that shows and asks nothing else. */
  public Spec(String name, Frame frame, int goals, int actions) {
    this(name, frame, goals, actions, Signature.of(frame, goals, new Signature.Branch(actions, 0)));
  }
}
