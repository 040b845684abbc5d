package bellman.rl.env;

import bellman.unity.AgentSteps;
import bellman.unity.BehaviorSpec;
import bellman.unity.ObservationSpec;
import bellman.unity.ObservationType;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Which observations of a behavior the policy sees, and what of a {@link Frame} each becomes:
 * pictures of one size are joined on channels, vectors one behind the other, both in the order of
 * the sensors.
 *
 * @param all the behavior's observations
 * @param pictures indices
 * @param vectors indices
 * @param goal index of the goal signal, −1: none
 */
public record Sensors(
    List<ObservationSpec> all, List<Integer> pictures, List<Integer> vectors, int goal) {
  public Sensors {
    all = List.copyOf(all);
    pictures = List.copyOf(pictures);
    vectors = List.copyOf(vectors);
  }

  /**
   * @param wanted indices or sensors' names; empty: all pictures and vectors
   * @param gate whether a goal signal gates what is seen; else it is a vector like others
   * @throws IllegalArgumentException if what is wanted is not there or does not go together
   */
  static Sensors of(BehaviorSpec behavior, List<String> wanted, boolean gate) {
    List<ObservationSpec> all = behavior.observations();
    List<Integer> chosen =
        wanted.isEmpty()
            ? IntStream.range(0, all.size()).boxed().toList()
            : wanted.stream().map(w -> find(behavior, w)).distinct().sorted().toList();
    List<Integer> pictures = new ArrayList<>();
    List<Integer> vectors = new ArrayList<>();
    List<Integer> goals = new ArrayList<>();
    for (int i : chosen) {
      ObservationSpec o = all.get(i);
      if (o.isVisual()) {
        pictures.add(i);
      } else if (o.shape().size() != 1) {
        if (!wanted.isEmpty()) {
          throw new IllegalArgumentException(
              behavior.name()
                  + ": the observation "
                  + named(all, i)
                  + " is neither a picture nor a vector; leave it out of --observations");
        }
      } else if (gate && o.type() == ObservationType.GOAL_SIGNAL) {
        goals.add(i);
      } else {
        vectors.add(i);
      }
    }
    if (goals.size() > 1) {
      throw new IllegalArgumentException(
          behavior.name()
              + " has the goal signals "
              + named(all, goals)
              + "; one can gate what is seen: choose with --observations, or take"
              + " --goal-conditioning none");
    }
    if (pictures.isEmpty() && vectors.isEmpty()) {
      throw new IllegalArgumentException(
          behavior.name()
              + " has neither a picture nor a vector to learn from: "
              + (chosen.isEmpty() ? "no observations" : named(all, chosen))
              + (goals.isEmpty() ? "" : "; --goal-conditioning none makes the goal a vector"));
    }
    if (pictures.stream().map(i -> size(all.get(i))).distinct().count() > 1) {
      throw new IllegalArgumentException(
          behavior.name()
              + " has pictures of different sizes, "
              + named(all, pictures)
              + "; no network fits: choose one with --observations, or give the sensors one size");
    }
    return new Sensors(all, pictures, vectors, goals.isEmpty() ? -1 : goals.get(0));
  }

  private static int find(BehaviorSpec behavior, String wanted) {
    List<ObservationSpec> all = behavior.observations();
    List<Integer> found =
        IntStream.range(0, all.size())
            .filter(i -> wanted.equals(Integer.toString(i)) || wanted.equals(all.get(i).name()))
            .boxed()
            .toList();
    if (found.size() != 1) {
      String there = named(all, IntStream.range(0, all.size()).boxed().toList());
      throw new IllegalArgumentException(
          found.isEmpty()
              ? "%s has no observation '%s', only %s; give --observations names or numbers of them"
                  .formatted(behavior.name(), wanted, there)
              : "%s has several observations '%s' among %s; give --observations their numbers"
                  .formatted(behavior.name(), wanted, there));
    }
    return found.get(0);
  }

  private static List<Integer> size(ObservationSpec picture) {
    return List.of(picture.height(), picture.width());
  }

  /** {@code 0 CameraSensor [3, 64, 84], 1 VectorSensor [2]}, as the player declares them. */
  private static String named(List<ObservationSpec> all, List<Integer> indices) {
    List<String> names = indices.stream().map(i -> named(all, i)).toList();
    return String.join(", ", names);
  }

  private static String named(List<ObservationSpec> all, int i) {
    return i + " " + all.get(i).name() + " " + all.get(i).shape();
  }

  /** What an agent sees. */
  Frame frame() {
    int vector = vectors.stream().mapToInt(i -> all.get(i).size()).sum();
    if (pictures.isEmpty()) {
      return Frame.vector(vector);
    }
    ObservationSpec first = all.get(pictures.get(0));
    int channels = pictures.stream().mapToInt(i -> all.get(i).channels()).sum();
    return Frame.picture(first.height(), first.width(), channels).with(vector);
  }

  /** How many goals its signal can name, 0 without one. */
  int goals() {
    return goal < 0 ? 0 : all.get(goal).size();
  }

  /** What a model takes and gives; pictures are [c, h, w], whatever the layout of messages. */
  Signature signature(List<Signature.Branch> branches) {
    List<List<Integer>> shapes =
        all.stream()
            .map(o -> o.isVisual() ? List.of(o.channels(), o.height(), o.width()) : o.shape())
            .toList();
    return new Signature(shapes, pictures, vectors, goal, branches);
  }

  /** What agent i of a batch sees. */
  Observation observation(AgentSteps steps, int i) {
    return new Observation(
        pictures.isEmpty() ? null : pixels(steps, i),
        vectors.isEmpty() ? null : floats(steps, i),
        goal < 0 ? 0 : largest(steps.observation(goal).values(i)));
  }

  private byte[] pixels(AgentSteps steps, int i) {
    if (pictures.size() == 1) {
      return steps.observation(pictures.get(0)).pixels(i);
    }
    Frame frame = frame();
    byte[] joined = new byte[frame.size()];
    int at = 0;
    for (int picture : pictures) {
      byte[] pixels = steps.observation(picture).pixels(i);
      int channels = all.get(picture).channels();
      for (int from = 0, to = at; from < pixels.length; to += frame.channels()) {
        for (int c = 0; c < channels; c++) {
          joined[to + c] = pixels[from++];
        }
      }
      at += channels;
    }
    return joined;
  }

  private float[] floats(AgentSteps steps, int i) {
    if (vectors.size() == 1) {
      return steps.observation(vectors.get(0)).values(i);
    }
    float[] joined = new float[frame().vector()];
    int at = 0;
    for (int vector : vectors) {
      float[] values = steps.observation(vector).values(i);
      System.arraycopy(values, 0, joined, at, values.length);
      at += values.length;
    }
    return joined;
  }

  /** The place of the 1 in a one-hot signal. */
  private static int largest(float[] signal) {
    int best = 0;
    for (int i = 1; i < signal.length; i++) {
      if (signal[i] > signal[best]) {
        best = i;
      }
    }
    return best;
  }

  /** {@code 0 CameraSensor [3, 64, 84], goal 1 VectorSensor [2]; not seen: 2 Buffer [8, 3]}. */
  @Override
  public String toString() {
    List<String> seen = new ArrayList<>();
    List<String> not = new ArrayList<>();
    for (int i = 0; i < all.size(); i++) {
      if (i == goal) {
        seen.add("goal " + named(all, i));
      } else if (pictures.contains(i) || vectors.contains(i)) {
        seen.add(named(all, i));
      } else {
        not.add(named(all, i));
      }
    }
    return String.join(", ", seen) + (not.isEmpty() ? "" : "; not seen: " + String.join(", ", not));
  }
}
