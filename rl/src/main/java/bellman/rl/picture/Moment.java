package bellman.rl.picture;

import bellman.rl.env.Observation;

/**
 * One moment of an episode, as a film shows it.
 *
 * @param episode 1 for the film's first
 * @param step actions taken before it
 * @param sum of the rewards so far
 * @param q Q(s, ·), [actions], NaN where an action is not allowed; null at the end of an episode
 * @param action what the agent does now; −1 at the end
 * @param ending how the episode ended; null before
 */
record Moment(
    int episode, int step, Observation seen, double sum, float[] q, int action, Ending ending) {
  enum Ending {
    SUCCESS,
    FAILURE,
    TIME_OUT
  }

  /** The largest allowed Q; −1 where nothing is known. */
  int best() {
    int best = -1;
    for (int a = 0; q != null && a < q.length; a++) {
      if (!Float.isNaN(q[a]) && (best < 0 || q[a] > q[best])) {
        best = a;
      }
    }
    return best;
  }
}
