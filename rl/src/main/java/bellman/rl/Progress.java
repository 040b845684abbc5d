package bellman.rl;

/**
 * Where a run stands after a turn.
 *
 * @param step agent steps taken: one action of one agent is one step
 * @param totalSteps of the run, both phases
 */
public record Progress(
    Phase phase, long step, long totalSteps, long updates, int episodes, double epsilon) {}
