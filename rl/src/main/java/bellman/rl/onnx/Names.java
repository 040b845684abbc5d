package bellman.rl.onnx;

/** What ML-Agents calls the tensors of a model, and the number of that convention. */
final class Names {
  static final String OBSERVATION = "obs_"; // and the sensor's number
  static final String MASKS = "action_masks"; // 1 allowed, 0 forbidden
  static final String MEMORY_IN = "recurrent_in";
  static final String MEMORY_OUT = "recurrent_out";
  static final String VERSION = "version_number";
  static final String MEMORY_SIZE = "memory_size";
  static final String DISCRETE = "discrete_actions";
  static final String DETERMINISTIC_DISCRETE = "deterministic_discrete_actions";
  static final String DISCRETE_SHAPE = "discrete_action_output_shape";
  static final String CONTINUOUS = "continuous_actions";
  static final String DETERMINISTIC_CONTINUOUS = "deterministic_continuous_actions";
  static final String CONTINUOUS_SHAPE = "continuous_action_output_shape";

  /** Packages from 2.0.0-exp.1 to 4.0. */
  static final int CURRENT_VERSION = 3;

  /** Packages 1.0 to 1.9, with other names for observations; newer packages still take it. */
  static final int PREVIOUS_VERSION = 2;

  static final String VECTOR_OBSERVATION = "vector_observation"; // of version 2
  static final String VISUAL_OBSERVATION = "visual_observation_"; // of version 2
  static final String ACTION = "action"; // of version 2
  static final String ACTION_SHAPE = "action_output_shape"; // of version 2
  static final String IS_CONTINUOUS = "is_continuous_control"; // of version 2

  private Names() {}
}
