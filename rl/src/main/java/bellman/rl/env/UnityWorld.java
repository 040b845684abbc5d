package bellman.rl.env;

import bellman.unity.ActionTuple;
import bellman.unity.AgentSteps;
import bellman.unity.BehaviorSpec;
import bellman.unity.DecisionSteps;
import bellman.unity.RestartLimits;
import bellman.unity.RestartingEnvironment;
import bellman.unity.Steps;
import bellman.unity.TerminalSteps;
import bellman.unity.UnityEnvironment;
import bellman.unity.UnityException;
import bellman.unity.sidechannel.EngineConfigurationChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToIntFunction;

/**
 * One behavior of a Unity player as an environment: its pictures and vectors are the frame, its
 * goal signal the goal, its discrete branch the actions. A player that dies is started again within
 * limits; the turn after that is {@link Turn#restarted}.
 */
public final class UnityWorld implements Environment {
  /**
   * Which part of a player is learned, and how.
   *
   * @param behavior to train, with or without its team; empty: the only one
   * @param firstAction for a behavior by its name without the team: actions below it are never used
   * @param observations that the policy sees, by number or sensor's name; empty: all it can
   * @param gate whether a goal signal chooses the block of channels; else it is a vector like
   *     others
   */
  public record Choice(
      Optional<String> behavior,
      ToIntFunction<String> firstAction,
      List<String> observations,
      boolean gate) {
    public Choice {
      observations = List.copyOf(observations);
    }
  }

  /** Opens the players of a world. */
  public interface Opener {
    /**
     * Opens a player.
     *
     * @param engine one of its side channels; others must be new each time
     */
    UnityEnvironment open(EngineConfigurationChannel engine);

    /** The state of the player opened last, between two turns; empty where it is out of reach. */
    default Optional<byte[]> state() {
      return Optional.empty();
    }

    /**
     * Opens a player whose answer to its first reset is what it said when the state was taken.
     *
     * @throws IllegalArgumentException if there is none that can go on from it
     */
    default UnityEnvironment resume(EngineConfigurationChannel engine, byte[] state) {
      throw new IllegalArgumentException("a player in another process cannot be given a state");
    }
  }

  private final Opener opener;
  private final RestartingEnvironment players;
  private final int firstAction;
  private final Duration patience;
  private final BehaviorSpec trained;
  private final String behavior;
  private final Sensors sensors;
  private final Spec spec;
  private EngineConfigurationChannel engine;
  private float timeScale; // 0: as the opener set it

  /**
   * Opens the player and resets it, so that its behaviors are known. Until then it is not started
   * again.
   *
   * @param limits how often it is started again when a reset or step fails
   * @param patience how long the player may send messages in which nobody waits for an action
   * @throws IllegalArgumentException if the player has no such behavior, or none that DQN can learn
   * @throws UnityException if it cannot be opened or reset
   */
  public UnityWorld(Opener opener, RestartLimits limits, Choice choice, Duration patience) {
    this.opener = opener;
    this.patience = patience;
    players =
        new RestartingEnvironment(
            () -> {
              engine = new EngineConfigurationChannel();
              return opener.open(engine);
            },
            limits);
    try {
      players.environment().reset();
      trained = choose(players.environment().behaviorSpecs(), choice.behavior());
      behavior = trained.name();
      firstAction = choice.firstAction().applyAsInt(withoutTeam(behavior));
      sensors = Sensors.of(trained, choice.observations(), choice.gate());
      spec = specOf(trained);
    } catch (RuntimeException e) {
      players.close();
      throw e;
    }
  }

  private Spec specOf(BehaviorSpec b) {
    if (b.actions().branches().size() != 1 || b.actions().continuousSize() > 0) {
      throw new IllegalArgumentException(
          behavior
              + " acts with "
              + b.actions().continuousSize()
              + " continuous actions and discrete branches "
              + b.actions().branches()
              + "; DQN needs one discrete branch and nothing else");
    }
    int branch = b.actions().branches().get(0);
    if (firstAction < 0 || firstAction >= branch) {
      throw new IllegalArgumentException(
          "first action "
              + firstAction
              + ": "
              + behavior
              + " has the actions 0 to "
              + (branch - 1)
              + "; at least one must remain");
    }
    List<Signature.Branch> branches = List.of(new Signature.Branch(branch, firstAction));
    return new Spec(
        withoutTeam(behavior),
        sensors.frame(),
        sensors.goals(),
        branch - firstAction,
        sensors.signature(branches));
  }

  private static BehaviorSpec choose(Map<String, BehaviorSpec> specs, Optional<String> name) {
    List<BehaviorSpec> fitting =
        specs.values().stream()
            .filter(b -> name.isEmpty() || matches(b.name(), name.get()))
            .toList();
    if (fitting.size() == 1) {
      return fitting.get(0);
    }
    if (specs.isEmpty()) {
      throw new IllegalArgumentException(
          "the player answered the reset without any agent, so there is no behavior to train. Give"
              + " its scene an active agent of behavior type Default.");
    }
    if (name.isPresent() && fitting.size() > 1) {
      throw new IllegalArgumentException(
          "'"
              + name.get()
              + "' is the behavior of several teams; DQN trains one of them: name one of "
              + fitting.stream().map(BehaviorSpec::name).toList()
              + " with --behavior");
    }
    throw new IllegalArgumentException(
        name.isPresent()
            ? "the player has no behavior '" + name.get() + "', only " + specs.keySet()
            : "the player has the behaviors "
                + specs.keySet()
                + "; DQN trains one of them: name it with --behavior");
  }

  private static boolean matches(String id, String name) {
    return id.equals(name) || withoutTeam(id).equals(name);
  }

  /** {@code GridWorld?team=0} → {@code GridWorld}. */
  public static String withoutTeam(String behavior) {
    int at = behavior.indexOf('?');
    return at < 0 ? behavior : behavior.substring(0, at);
  }

  @Override
  public Spec spec() {
    return spec;
  }

  /** What of the behavior's observations the policy sees. */
  public Sensors sensors() {
    return sensors;
  }

  /** What its actions and goals are called. */
  public Labels labels() {
    return Labels.of(spec, firstAction);
  }

  @Override
  public Turn reset() {
    try {
      players.environment().reset();
      return turn(false);
    } catch (UnityException e) {
      return restart(e);
    }
  }

  @Override
  public Turn step(int[] actions) {
    int[] chosen = new int[actions.length];
    for (int i = 0; i < chosen.length; i++) {
      chosen[i] = actions[i] + firstAction;
    }
    try {
      players.environment().setActions(behavior, ActionTuple.oneBranch(chosen));
      players.environment().step();
      return turn(false);
    } catch (UnityException e) {
      return restart(e);
    }
  }

  @Override
  public Optional<byte[]> state() {
    return opener.state();
  }

  @Override
  public Turn resume(byte[] state) {
    EngineConfigurationChannel channel = new EngineConfigurationChannel();
    players.replace(opener.resume(channel, state));
    engine = channel;
    players.environment().reset();
    return turn(false);
  }

  /** Begins anew with another player, or with the next one where that fails at once. */
  private Turn restart(UnityException failure) {
    UnityException why = failure;
    while (true) {
      UnityEnvironment unity = players.restart(why);
      if (timeScale > 0) {
        engine.setTimeScale(timeScale);
      }
      try {
        unity.reset();
        BehaviorSpec now = unity.behaviorSpecs().get(behavior);
        if (!trained.equals(now)) {
          throw new UnityException(
              "the player that was started again has "
                  + (now == null ? unity.behaviorSpecs().keySet() : now)
                  + ", while the run trains "
                  + trained
                  + ". Remedy: leave the build as it is while a run uses it.");
        }
        return turn(true);
      } catch (UnityException e) {
        why = e;
      }
    }
  }

  /** Goes on until somebody waits for an action: a message may hold endings alone. */
  private Turn turn(boolean restarted) {
    UnityEnvironment unity = players.environment();
    List<Turn.Ending> endings = new ArrayList<>();
    long began = System.nanoTime();
    while (true) {
      Steps steps = unity.steps(behavior);
      endings.addAll(endings(steps.terminals()));
      DecisionSteps waiting = steps.decisions();
      if (waiting.size() > 0) {
        return new Turn(endings, decisions(waiting), restarted);
      }
      if (System.nanoTime() - began > patience.toNanos()) {
        throw new UnityException(
            "no agent of "
                + behavior
                + " asked for a decision within "
                + patience.toSeconds()
                + " s, though the player goes on. Give an agent a Decision Requester, or raise"
                + " --timeout-wait.");
      }
      unity.step();
    }
  }

  private List<Turn.Decision> decisions(DecisionSteps steps) {
    List<Turn.Decision> result = new ArrayList<>(steps.size());
    for (int i = 0; i < steps.size(); i++) {
      boolean[] mask = steps.mask(i, 0);
      boolean[] forbidden = Arrays.copyOfRange(mask, firstAction, mask.length);
      result.add(
          new Turn.Decision(
              steps.agentId(i), sensors.observation(steps, i), reward(steps, i), forbidden));
    }
    return result;
  }

  private List<Turn.Ending> endings(TerminalSteps steps) {
    List<Turn.Ending> result = new ArrayList<>(steps.size());
    for (int i = 0; i < steps.size(); i++) {
      result.add(
          new Turn.Ending(
              steps.agentId(i),
              sensors.observation(steps, i),
              reward(steps, i),
              steps.interrupted(i)));
    }
    return result;
  }

  /** What the agent was given, and what its group was: mlagents-learn adds the two as well. */
  private static float reward(AgentSteps steps, int i) {
    return steps.reward(i) + steps.groupReward(i);
  }

  @Override
  public void timeScale(float scale) {
    timeScale = scale;
    engine.setTimeScale(scale);
  }

  @Override
  public void close() {
    players.close();
  }
}
