package bellman.rl.onnx;

import bellman.engine.Shape;
import bellman.nn.Values;
import bellman.rl.onnx.proto.TensorProto;
import java.util.List;

/** What a tensor of a model means, as far as a policy of Q-values goes. */
sealed interface Known {
  /** Why a tensor means nothing here; so do all that follow from it. */
  record Nothing(String why) implements Known {}

  record Constant(TensorProto tensor) implements Known {}

  /** What a sensor shows, as it is. */
  record Observation(int index, List<Integer> shape) implements Known {}

  /** One element of a vector observation, in whatever rank. */
  record Element(int observation, int place) implements Known {}

  /**
   * Observations of one kind, joined on axis 1 and gated if there is a goal.
   *
   * @param goal the observation behind the gate; −1: no gate
   * @param shape of one sample: [h, w, c] or [features]
   */
  record Source(List<Integer> observations, int goal, Shape shape) implements Known {}

  /** A source multiplied by an element of a goal. */
  record Gated(Source source, Element goal) implements Known {}

  /** Masks of the actions from … to − 1, each times scale plus offset. */
  record Masks(int from, int to, float scale, float offset) implements Known {}

  /**
   * What layers have made of a picture, a vector, or both.
   *
   * @param picture null: none
   * @param encoder layers of the picture, up to its Flatten
   * @param vector joined behind them; null: none
   * @param head the layers after that
   * @param shape one sample: [h, w, c] or [features]
   * @param channelsLast whether the model has an image in that order, too
   * @param pixels [h, w, c] where the features begin with an image's in H,W,C order; else null
   */
  record Features(
      Source picture,
      List<Step> encoder,
      Source vector,
      List<Step> head,
      Shape shape,
      boolean channelsLast,
      Shape pixels)
      implements Known {}

  /** Values of the choices from … to − 1, and the masks that are on them; null: none. */
  record Scores(Features q, int from, int to, Masks masks) implements Known {}

  /** The best of scores, plus an offset. */
  record Choice(Scores scores, int first) {}

  /** One choice in each branch. */
  record Chosen(List<Choice> choices) implements Known {}

  /** A layer. */
  sealed interface Step {}

  record Convolution(String name, Values weight, Values bias, int stride, int padding)
      implements Step {}

  /** bias is null until it is known. */
  record Dense(String name, Values weight, Values bias) implements Step {}

  record Rectify() implements Step {}

  record Flat() implements Step {}
}
