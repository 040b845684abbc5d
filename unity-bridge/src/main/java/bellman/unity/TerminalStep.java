package bellman.unity;

/**
 * One agent whose episode ended.
 *
 * @param steps the batch
 * @param index the row
 */
public record TerminalStep(TerminalSteps steps, int index) implements AgentStep {
  /** Whether the episode was cut off rather than really over. */
  public boolean interrupted() {
    return steps.interrupted(index);
  }
}
