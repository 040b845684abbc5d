package bellman.rl.env;

import java.util.List;

/**
 * What an environment says after a step: who ended, then who waits for an action. An agent that
 * ended and began anew is in both lists.
 *
 * @param restarted whether the world broke in this step and was started again: what was going on
 *     before will not go on, under whatever numbers its agents now come, and the actions of this
 *     step led to nothing
 */
public record Turn(List<Ending> endings, List<Decision> decisions, boolean restarted) {
  /** A turn that follows from the one before, or from a reset. */
  public Turn(List<Ending> endings, List<Decision> decisions) {
    this(endings, decisions, false);
  }

  /**
   * The last moment of an episode.
   *
   * @param reward since the agent's last decision
   * @param interrupted cut off by a time limit: the state was not terminal, so its value counts
   */
  public record Ending(int agent, Observation observation, float reward, boolean interrupted) {}

  /**
   * An agent that waits for an action.
   *
   * @param reward since the agent's last decision; 0 at the beginning of an episode
   * @param forbidden [actions], true where an action is not allowed; null if all are
   */
  public record Decision(int agent, Observation observation, float reward, boolean[] forbidden) {}
}
