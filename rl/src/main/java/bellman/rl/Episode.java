package bellman.rl;

/**
 * A finished episode of one agent.
 *
 * @param number 1 for the run's first
 * @param agentReturn the sum of its rewards, undiscounted
 * @param goal the one that held at its end; 0 where there is none
 * @param length its number of actions
 * @param interrupted cut off by a time limit
 * @param step agent steps taken so far in the run
 */
public record Episode(
    int number,
    int agent,
    Phase phase,
    int goal,
    double agentReturn,
    int length,
    boolean interrupted,
    long step) {}
