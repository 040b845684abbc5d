package bellman.unity;

import bellman.unity.proto.BrainParametersProto;
import bellman.unity.proto.UnityOutputProto;
import bellman.unity.proto.UnityRLOutputProto;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What one player's messages have said so far: which behaviors there are, and which of their agents
 * wait or ended with the last message.
 */
final class Behaviors {
  private static final Logger LOG = LoggerFactory.getLogger(UnityEnvironment.class);

  private final StepDecoder decoder;
  private final ImageWatch images;
  private final Map<String, BehaviorSpec> specs = new LinkedHashMap<>();
  private final Map<String, Steps> steps = new LinkedHashMap<>();

  /** Described, but without an agent yet that shows what it observes. */
  private final Map<String, BrainParametersProto> unseen = new LinkedHashMap<>();

  private final Set<String> undescribed = new HashSet<>();
  private boolean anyDecision;

  /**
   * @param packageVersion the player's, which decides how some images are read
   * @param noGraphics whether its cameras can be expected to see nothing
   */
  Behaviors(String packageVersion, boolean noGraphics) {
    this.decoder = new StepDecoder(packageVersion);
    this.images = new ImageWatch(noGraphics);
  }

  /** In the order they appeared; a view. */
  Map<String, BehaviorSpec> specs() {
    return Collections.unmodifiableMap(specs);
  }

  /** What the last message brought for a behavior; null if there is none of that name. */
  Steps steps(String behavior) {
    return steps.get(behavior);
  }

  /** Whether any agent has ever asked for a decision. */
  boolean anyDecision() {
    return anyDecision;
  }

  /**
   * Reads one message.
   *
   * @throws UnityException when it says what no trainer could use
   * @throws IllegalArgumentException when it contradicts itself
   */
  void understand(UnityOutputProto message) {
    for (BrainParametersProto brain :
        message.getRlInitializationOutput().getBrainParametersList()) {
      unseen.put(brain.getBrainName(), brain);
    }
    Map<String, UnityRLOutputProto.ListAgentInfoProto> agents =
        message.getRlOutput().getAgentInfosMap();
    unseen
        .entrySet()
        .removeIf(
            entry -> {
              var list = agents.get(entry.getKey());
              if (list == null || list.getValueCount() == 0) {
                return false;
              }
              BehaviorSpec spec = decoder.spec(entry.getValue(), list.getValue(0));
              LOG.info("Connected new brain: {}", spec.name());
              specs.put(spec.name(), spec);
              return true;
            });
    for (BehaviorSpec spec : specs.values()) {
      var list = agents.get(spec.name());
      Steps now = decoder.steps(spec, list == null ? List.of() : list.getValueList());
      anyDecision |= now.decisions().size() > 0;
      images.look(now.decisions());
      steps.put(spec.name(), now);
    }
    agents.forEach(
        (name, list) -> {
          if (!specs.containsKey(name) && list.getValueCount() > 0 && undescribed.add(name)) {
            LOG.warn(
                "The player sends agents of {} without ever describing that behavior; they are left"
                    + " to act with zeros.",
                name);
          }
        });
  }
}
