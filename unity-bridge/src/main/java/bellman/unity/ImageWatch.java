package bellman.unity;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks at the images of the first decisions and warns where a trainer could see nothing in them: a
 * camera without graphics renders black, one that looks at nothing a single colour, and one that is
 * never rendered anew the same picture again and again.
 */
final class ImageWatch {
  /** Decisions of one behavior, its agents together. */
  static final int DECISIONS = 100;

  private static final Logger LOG = LoggerFactory.getLogger(UnityEnvironment.class);

  private final boolean noGraphics;
  private final Map<String, Integer> seen = new HashMap<>();
  private final Map<String, Eye[]> eyes = new HashMap<>();

  /** What one camera has shown so far. */
  private static final class Eye {
    private ObservationBatch.Payload first;
    private byte[] colour;
    private boolean plain = true;
    private boolean same = true;
  }

  /**
   * @param noGraphics whether the player was started without a window
   */
  ImageWatch(boolean noGraphics) {
    this.noGraphics = noGraphics;
  }

  /** Looks at a message's decisions. Costs nothing once every camera has shown two pictures. */
  void look(DecisionSteps steps) {
    String behavior = steps.spec().name();
    int before = seen.getOrDefault(behavior, 0);
    if (before >= DECISIONS || steps.size() == 0) {
      return;
    }
    int now = Math.min(steps.size(), DECISIONS - before);
    seen.put(behavior, before + now);
    Eye[] cameras =
        eyes.computeIfAbsent(
            behavior,
            name ->
                steps.observations().stream()
                    .map(batch -> batch.spec().isVisual() ? new Eye() : null)
                    .toArray(Eye[]::new));
    for (int o = 0; o < cameras.length; o++) {
      Eye eye = cameras[o];
      for (int i = 0; i < now && eye != null && (eye.plain || eye.same); i++) {
        look(eye, steps.observation(o), i);
      }
      if (before + now == DECISIONS && eye != null && (eye.plain || eye.same)) {
        warn(behavior, steps.spec().observations().get(o), eye);
      }
    }
    if (before + now == DECISIONS) {
      eyes.remove(behavior); // and with them the pictures they hold
    }
  }

  private static void look(Eye eye, ObservationBatch batch, int index) {
    ObservationBatch.Payload payload = batch.payload(index);
    if (eye.first == null) {
      eye.first = payload;
    } else {
      eye.same &= payload.sameAs(eye.first);
    }
    if (eye.plain) {
      Optional<byte[]> colour = colour(batch, index);
      eye.colour = eye.colour == null ? colour.orElse(null) : eye.colour;
      eye.plain = colour.isPresent() && Arrays.equals(colour.get(), eye.colour);
    }
  }

  /** The one colour of a picture, if it has but one and can be read at all. */
  private static Optional<byte[]> colour(ObservationBatch batch, int index) {
    int channels = batch.spec().channels();
    byte[] pixels;
    try {
      pixels = batch.pixels(index);
    } catch (UnityException e) {
      return Optional.empty(); // whoever reads it is told
    }
    for (int i = channels; i < pixels.length; i++) {
      if (pixels[i] != pixels[i % channels]) {
        return Optional.empty();
      }
    }
    return Optional.of(Arrays.copyOf(pixels, channels));
  }

  private void warn(String behavior, ObservationSpec spec, Eye eye) {
    LOG.warn(
        "{}: observation \"{}\" {} over the first {} decisions. {}",
        behavior,
        spec.name(),
        eye.plain ? "was " + named(eye.colour) + " everywhere" : "was the same picture",
        DECISIONS,
        noGraphics
            ? "The player runs without graphics (-nographics), where cameras see nothing: start it"
                + " with a window, on a server under xvfb-run."
            : "Check that its camera looks at the scene and is rendered for every decision, and that"
                + " the player was not started with -nographics.");
  }

  private static String named(byte[] colour) {
    StringBuilder text = new StringBuilder();
    boolean black = true;
    for (byte c : colour) {
      black &= c == 0;
      text.append(text.isEmpty() ? "" : ", ").append(c & 0xFF);
    }
    return black ? "black" : "(" + text + ")";
  }
}
