package bellman.unity;

/**
 * What the last message said of one behavior. An agent whose episode ended is usually in both: its
 * old episode in terminals, its new one in decisions.
 *
 * @param decisions agents that wait for an action
 * @param terminals agents whose episode ended
 */
public record Steps(DecisionSteps decisions, TerminalSteps terminals) {}
