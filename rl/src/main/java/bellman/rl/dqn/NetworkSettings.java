package bellman.rl.dqn;

import java.util.OptionalInt;

/**
 * What Q looks like, as far as the observations leave a choice.
 *
 * @param encoder of pictures
 * @param hiddenUnits of each hidden layer; empty: 512 behind a picture, else 128
 * @param numLayers hidden layers; empty: 1 behind a picture, else 2
 */
public record NetworkSettings(Encoder encoder, OptionalInt hiddenUnits, OptionalInt numLayers) {
  /** For pictures the tutorial's network. */
  public static final NetworkSettings DEFAULT =
      new NetworkSettings(Encoder.NATURE_CNN, OptionalInt.empty(), OptionalInt.empty());

  public NetworkSettings {
    if (hiddenUnits.orElse(1) < 1 || numLayers.orElse(1) < 1) {
      throw new IllegalArgumentException(
          "network: hidden units and layers are 1 or more, got "
              + hiddenUnits.orElse(1)
              + " and "
              + numLayers.orElse(1));
    }
  }
}
