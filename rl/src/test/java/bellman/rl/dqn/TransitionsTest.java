package bellman.rl.dqn;

import static org.assertj.core.api.Assertions.assertThat;

import bellman.engine.Device;
import bellman.engine.RandomStream;
import bellman.engine.Scope;
import bellman.engine.io.Safetensors;
import bellman.engine.io.SafetensorsWriter;
import bellman.engine.reference.ReferenceBackend;
import bellman.rl.Phase;
import bellman.rl.env.Frame;
import bellman.rl.env.Observation;
import bellman.rl.env.Spec;
import bellman.rl.env.Turn;
import bellman.rl.replay.Batch;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What an agent's replay holds after random histories, beside a plain list of transitions: agents
 * that wait at different times, end, are cut off, begin anew at once or later or never, resets in
 * between, and a run that goes on from a checkpoint, while the ring wraps many times.
 */
class TransitionsTest {
  private static final int ACTIONS = 3;
  private static final int GOALS = 2;
  private static final Spec SPEC = new Spec("Test", Frame.vector(2), GOALS, ACTIONS);
  private static final float GAMMA = 0.9f;

  /** A transition as the world would tell it; states are known by their serial numbers. */
  private record Expected(
      int s, int goal, int a, float r, float discount, int sNext, int goalNext, boolean[] mask) {}

  private record Stood(int s, int goal, int action) {}

  /** The plain model: who stands where, and all that happened since the replay was empty. */
  private final class Model {
    final Map<Integer, Stood> standing = new HashMap<>();
    final Map<Integer, Expected> all = new LinkedHashMap<>(); // by s, the oldest first
    final boolean tutorial;
    Integer only;

    Model(boolean tutorial) {
      this.tutorial = tutorial;
    }

    void ended(Turn.Ending e) {
      arrived(e.agent(), e.reward(), e.interrupted() ? GAMMA : 0, e.observation(), null);
    }

    void decided(Turn.Decision d) {
      arrived(d.agent(), d.reward(), GAMMA, d.observation(), tutorial ? null : d.forbidden());
      standing.put(d.agent(), new Stood(serial(d.observation()), d.observation().goal(), -1));
    }

    private void arrived(int agent, float r, float discount, Observation o, boolean[] mask) {
      Stood before = standing.remove(agent);
      if (before == null) {
        return;
      }
      only = only == null && tutorial ? Integer.valueOf(agent) : only;
      if (before.action >= 0 && (only == null || only == agent)) {
        all.put(
            before.s,
            new Expected(
                before.s, before.goal, before.action, r, discount, serial(o), o.goal(), mask));
      }
    }

    void acted(int agent, int action) {
      standing.computeIfPresent(agent, (a, at) -> new Stood(at.s, at.goal, action));
    }

    /** The newest {@code capacity}. */
    Map<Integer, Expected> held(int capacity) {
      List<Expected> list = new ArrayList<>(all.values());
      Map<Integer, Expected> held = new HashMap<>();
      list.subList(Math.max(0, list.size() - capacity), list.size()).forEach(e -> held.put(e.s, e));
      return held;
    }
  }

  private final SplittableRandom random = new SplittableRandom(11);
  private int serials;

  @TempDir private Path folder;

  private Observation next(int agent) {
    return new Observation(null, new float[] {++serials, agent}, random.nextInt(GOALS));
  }

  private static int serial(Observation o) {
    return (int) o.vector()[0];
  }

  private boolean[] mask() {
    return switch (random.nextInt(3)) {
      case 0 -> null;
      case 1 -> new boolean[] {random.nextBoolean(), false, random.nextBoolean()};
      default -> new boolean[] {false, random.nextBoolean(), random.nextBoolean()};
    };
  }

  private static DqnSettings settings(int capacity, boolean tutorial) {
    return new DqnSettings(
        4,
        capacity,
        1_000_000,
        1,
        1e-3,
        0,
        GAMMA,
        100,
        new Epsilon(0.5, 0.5, 0, 1),
        1e9,
        tutorial,
        5,
        NetworkSettings.DEFAULT);
  }

  /** Everybody begins. */
  private Turn reset(int agents) {
    List<Turn.Decision> decisions = new ArrayList<>();
    for (int agent = 0; agent < agents; agent++) {
      decisions.add(new Turn.Decision(agent, next(agent), 0, mask()));
    }
    return new Turn(List.of(), decisions);
  }

  /** Something happens to some of the agents, to at least one. */
  private Turn turn(int agents, Model model) {
    List<Turn.Ending> endings = new ArrayList<>();
    List<Turn.Decision> decisions = new ArrayList<>();
    while (decisions.isEmpty()) {
      endings.clear();
      for (int agent = 0; agent < agents; agent++) {
        boolean waits = random.nextInt(4) > 0;
        if (random.nextInt(5) == 0 && model.standing.containsKey(agent)) {
          endings.add(
              new Turn.Ending(agent, next(agent), random.nextInt(50), random.nextBoolean()));
          waits = random.nextBoolean();
        }
        if (waits) {
          decisions.add(new Turn.Decision(agent, next(agent), random.nextInt(50), mask()));
        }
      }
    }
    return new Turn(List.copyOf(endings), List.copyOf(decisions));
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1, false",
    "1, 3, false",
    "7, 1, false",
    "7, 4, false",
    "60, 3, false",
    "60, 1, true",
    "9, 3, true"
  })
  void theReplayHoldsWhatHappened(int capacity, int agents, boolean tutorial) throws IOException {
    try (Device device = new Device(ReferenceBackend.floats())) {
      DqnAgent agent = new DqnAgent(device, SPEC, settings(capacity, tutorial));
      Model model = new Model(tutorial);
      RandomStream stream = device.random(3, "check");
      Turn turn = null;
      for (int step = 0; step < 500; step++) {
        if (step == 300) { // the run is stopped and resumed: the replay begins empty
          agent = resumed(device, agent, capacity, tutorial);
          model = new Model(tutorial);
          turn = null;
        }
        if (turn == null || random.nextInt(60) == 0) {
          agent.forget();
          model.standing.clear();
          model.only = null;
          turn = reset(agents);
        } else {
          turn = turn(agents, model);
        }
        agent.observe(turn);
        turn.endings().forEach(model::ended);
        turn.decisions().forEach(model::decided);
        check(agent, model, capacity, device, stream);
        int[] actions = agent.act(turn.decisions(), Phase.TRAINING);
        for (int i = 0; i < actions.length; i++) {
          model.acted(turn.decisions().get(i).agent(), actions[i]);
        }
        agent.learn(step);
      }
      assertThat(model.all.size()).isGreaterThan(tutorial ? 50 : 100);
    }
  }

  private DqnAgent resumed(Device device, DqnAgent before, int capacity, boolean tutorial)
      throws IOException {
    Path file = folder.resolve("agent.safetensors");
    SafetensorsWriter writer = new SafetensorsWriter();
    before.save(writer);
    writer.write(file);
    DqnAgent agent = new DqnAgent(device, SPEC, settings(capacity, tutorial));
    try (Safetensors saved = Safetensors.open(file)) {
      agent.load(saved);
    }
    return agent;
  }

  private static void check(
      DqnAgent agent, Model model, int capacity, Device device, RandomStream stream) {
    Map<Integer, Expected> held = model.held(capacity);
    agent.replay().checkInvariants(model.standing.size());
    assertThat(agent.replay().size()).isEqualTo(held.size());
    if (held.isEmpty()) {
      return;
    }
    int n = 8;
    try (Scope scope = device.scope("sample")) {
      Batch b = agent.replay().sample(stream, n);
      stream.advance();
      float[] s = b.s().vector().toFloats(); // [n, 2 · GOALS]
      float[] sNext = b.sNext().vector().toFloats();
      for (int row = 0; row < n; row++) {
        int serial = (int) (s[row * 4] + s[row * 4 + 2]); // one of the two blocks is 0
        Expected e = held.get(serial);
        assertThat(e).as("transition from state %d is held", serial).isNotNull();
        assertThat(s[row * 4 + 2 * e.goal]).isEqualTo(e.s);
        assertThat(s[row * 4 + 2 * (1 - e.goal)]).isZero();
        assertThat(b.a().toInts()[row]).isEqualTo(e.a);
        assertThat(b.r().toFloats()[row]).isEqualTo(e.r);
        assertThat(b.discount().toFloats()[row]).isEqualTo(e.discount);
        assertThat(sNext[row * 4 + 2 * e.goalNext]).isEqualTo(e.sNext);
        assertThat(sNext[row * 4 + 2 * (1 - e.goalNext)]).isZero();
        for (int a = 0; a < ACTIONS; a++) {
          assertThat(b.forbiddenNext().toBytes()[row * ACTIONS + a])
              .isEqualTo((byte) (e.mask != null && e.mask[a] ? 1 : 0));
        }
      }
    }
  }
}
