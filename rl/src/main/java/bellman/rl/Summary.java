package bellman.rl;

/**
 * A window of episodes, and of all updates during it.
 *
 * @param step agent steps at its end
 * @param episode number of its last episode
 * @param episodes how many it holds
 * @param meanReturn of its episodes
 * @param updates how many fell into it; with 0 the four figures after it are NaN
 * @param loss mean over the updates
 * @param meanQ mean of Q(s, a) over the updates
 * @param meanTarget mean of the TD target over the updates
 * @param largestGradient the largest absolute gradient of any weight
 * @param seconds since the run began
 */
public record Summary(
    Phase phase,
    long step,
    int episode,
    int episodes,
    double meanReturn,
    double stdReturn,
    double meanLength,
    long updates,
    double loss,
    double meanQ,
    double meanTarget,
    double largestGradient,
    double epsilon,
    double learningRate,
    double seconds) {}
