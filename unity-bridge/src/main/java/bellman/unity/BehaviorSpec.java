package bellman.unity;

import java.util.List;

/**
 * What the agents of one behavior see and do.
 *
 * @param name the id on the wire, such as {@code GridWorld?team=0}
 * @param observations in the order of the sensors
 * @param actions what they can do
 */
public record BehaviorSpec(String name, List<ObservationSpec> observations, ActionSpec actions) {
  /** The list is copied. */
  public BehaviorSpec {
    observations = List.copyOf(observations);
  }
}
