package bellman.unity;

/**
 * One agent that waits for an action.
 *
 * @param steps the batch
 * @param index the row
 */
public record DecisionStep(DecisionSteps steps, int index) implements AgentStep {
  /** Its mask of one branch, [choices], true = forbidden. */
  public boolean[] mask(int branch) {
    return steps.mask(index, branch);
  }
}
