package bellman.rl.dqn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import bellman.engine.Device;
import bellman.engine.io.Safetensors;
import bellman.engine.io.SafetensorsWriter;
import bellman.engine.reference.ReferenceBackend;
import bellman.nn.Values;
import bellman.rl.DivergedException;
import bellman.rl.Phase;
import bellman.rl.env.Frame;
import bellman.rl.env.Observation;
import bellman.rl.env.Spec;
import bellman.rl.env.Turn;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DqnAgentTest {
  private static final Spec SPEC = new Spec("Test", Frame.vector(3), 0, 3);

  private final Device device = open();

  Device open() {
    return new Device(ReferenceBackend.floats());
  }

  @AfterEach
  void close() {
    device.close();
  }

  private static DqnSettings settings(boolean tutorial, double stepsPerUpdate) {
    return new DqnSettings(
        4,
        50,
        10,
        stepsPerUpdate,
        1e-3,
        4,
        0.9,
        8,
        new Epsilon(1.0, 0.1, 0.0, 20),
        1e9,
        tutorial,
        5,
        NetworkSettings.DEFAULT);
  }

  private static Observation see(int t, int agent) {
    return Observation.vector(t, agent, 1);
  }

  /** n agents that never end. */
  private static Turn turn(int t, int n) {
    List<Turn.Decision> decisions = new ArrayList<>();
    for (int agent = 0; agent < n; agent++) {
      decisions.add(new Turn.Decision(agent, see(t, agent), 0.1f, null));
    }
    return new Turn(List.of(), decisions);
  }

  private static void play(DqnAgent agent, int turns, int agents) {
    agent.observe(turn(0, agents));
    for (int t = 1; t <= turns; t++) {
      agent.act(turn(t - 1, agents).decisions(), Phase.TRAINING);
      agent.observe(turn(t, agents));
      agent.learn((long) t * agents);
    }
  }

  private boolean targetIsOnline(DqnAgent agent) {
    float[] online = agent.learner().onlineWeights().parameters().values().toFloats();
    float[] target = agent.learner().targetWeights().parameters().values().toFloats();
    return Arrays.equals(online, target);
  }

  @Test
  void updatesBeginAfterTheInitialStepsAndFollowAgentSteps() {
    DqnAgent one = new DqnAgent(device, SPEC, settings(false, 1));
    play(one, 10, 1);
    assertThat(one.updates()).isZero();
    DqnAgent more = new DqnAgent(device, SPEC, settings(false, 1));
    play(more, 13, 1);
    assertThat(more.updates()).isEqualTo(3);
    DqnAgent four = new DqnAgent(device, SPEC, settings(false, 1));
    play(four, 4, 4); // 16 steps: the turn that crosses step 10 makes 2 updates, the next 4
    assertThat(four.updates()).isEqualTo(6);
    DqnAgent seldom = new DqnAgent(device, SPEC, settings(false, 4));
    play(seldom, 24, 1); // at 12, 16, 20, 24
    assertThat(seldom.updates()).isEqualTo(4);
  }

  /** Adam's first step is as long as the learning rate, whatever the gradient. */
  @Test
  void theLearningRateRisesDuringTheWarmUp() {
    DqnAgent untouched = new DqnAgent(device, SPEC, settings(false, 1));
    float[] first = untouched.learner().onlineWeights().parameters().values().toFloats();
    DqnAgent one = new DqnAgent(device, SPEC, settings(false, 1)); // 1e-3 after 4 updates
    play(one, 11, 1);
    assertThat(one.learningRate()).isEqualTo(1e-3 / 4);
    float[] then = one.learner().onlineWeights().parameters().values().toFloats();
    double longest = 0;
    for (int i = 0; i < first.length; i++) {
      longest = Math.max(longest, Math.abs(then[i] - first[i]));
    }
    assertThat(longest).isCloseTo(1e-3 / 4, within(1e-6));
    DqnAgent more = new DqnAgent(device, SPEC, settings(false, 1));
    play(more, 13, 1);
    assertThat(more.learningRate()).isEqualTo(1e-3 * 3 / 4);
    play(more, 16, 1);
    assertThat(more.learningRate()).isEqualTo(1e-3);
  }

  @Test
  void theTargetIsCopiedOnCrossings() {
    DqnAgent agent = new DqnAgent(device, SPEC, settings(false, 1)); // interval 8
    play(agent, 5, 3); // 15 steps
    assertThat(targetIsOnline(agent)).isFalse();
    DqnAgent crossed = new DqnAgent(device, SPEC, settings(false, 1));
    play(crossed, 6, 3); // 18 steps: 16 was crossed
    assertThat(targetIsOnline(crossed)).isTrue();
  }

  @Test
  void theTutorialsScheduleIsLater() {
    DqnAgent agent = new DqnAgent(device, SPEC, settings(true, 1));
    play(agent, 11, 1);
    assertThat(agent.updates()).isZero(); // its index 10 is not above 10
    assertThat(agent.epsilon(Phase.TRAINING)).isEqualTo(1.0);
    DqnAgent later = new DqnAgent(device, SPEC, settings(true, 1));
    play(later, 14, 1);
    assertThat(later.updates()).isEqualTo(3);
    assertThat(later.epsilon(Phase.TRAINING)).isEqualTo(1.0 - 0.9 * 3 / 20); // counts updates
    assertThat(targetIsOnline(later)).isFalse();
    DqnAgent synced = new DqnAgent(device, SPEC, settings(true, 1));
    play(synced, 17, 1); // index 16 is a multiple of 8
    assertThat(targetIsOnline(synced)).isTrue();
  }

  @Test
  void theTutorialsTargetIsCopiedWhoeverElseActs() {
    DqnAgent agent = new DqnAgent(device, SPEC, settings(true, 1)); // interval 8
    play(agent, 12, 2); // the indices are 1, 3 … 23: no multiple of 8 among them
    assertThat(agent.updates()).isPositive();
    assertThat(targetIsOnline(agent)).isFalse();
    DqnAgent crossed = new DqnAgent(device, SPEC, settings(true, 1));
    play(crossed, 13, 2); // index 25: 24 was crossed
    assertThat(targetIsOnline(crossed)).isTrue();
  }

  @Test
  void epsilonCountsAgentSteps() {
    DqnAgent agent = new DqnAgent(device, SPEC, settings(false, 1));
    play(agent, 5, 2);
    assertThat(agent.epsilon(Phase.TRAINING)).isEqualTo(1.0 - 0.9 * 10 / 20);
  }

  @Test
  void endingsAreTerminalUnlessInterrupted() {
    DqnAgent agent = new DqnAgent(device, SPEC, settings(false, 1));
    agent.observe(turn(0, 2));
    agent.act(turn(0, 2).decisions(), Phase.TRAINING);
    // Agent 0 ended, agent 1 was cut off; both begin anew in the same message.
    Turn end =
        new Turn(
            List.of(
                new Turn.Ending(0, see(1, 0), 7, false), new Turn.Ending(1, see(1, 1), 8, true)),
            turn(2, 2).decisions());
    agent.observe(end);
    assertThat(agent.replay().size()).isEqualTo(2);
    agent.replay().checkInvariants(2);
    agent.act(end.decisions(), Phase.TRAINING);
    agent.observe(turn(3, 2));
    assertThat(agent.replay().size()).isEqualTo(4);
    agent.replay().checkInvariants(2);
    float[] r = new float[64];
    float[] discount = new float[64];
    float[] sNext = new float[64 * 3];
    try (var scope = device.scope("sample")) {
      var batch = agent.replay().sample(device.random(1, "test"), 64);
      System.arraycopy(batch.r().toFloats(), 0, r, 0, 64);
      System.arraycopy(batch.discount().toFloats(), 0, discount, 0, 64);
      System.arraycopy(batch.sNext().vector().toFloats(), 0, sNext, 0, 64 * 3);
    }
    int seen = 0;
    for (int i = 0; i < 64; i++) {
      if (r[i] == 7) {
        assertThat(discount[i]).isZero();
        assertThat(sNext[i * 3]).isEqualTo(1); // the final observation, not the next episode's
        seen |= 1;
      } else if (r[i] == 8) {
        assertThat(discount[i]).isEqualTo(0.9f);
        assertThat(sNext[i * 3]).isEqualTo(1);
        seen |= 2;
      } else {
        assertThat(discount[i]).isEqualTo(0.9f);
        assertThat(sNext[i * 3]).isEqualTo(3);
        seen |= 4;
      }
    }
    assertThat(seen).isEqualTo(7);
  }

  @Test
  void forgottenStatesLeaveNoTransition() {
    DqnAgent agent = new DqnAgent(device, SPEC, settings(false, 1));
    agent.observe(turn(0, 2));
    agent.act(turn(0, 2).decisions(), Phase.TRAINING);
    agent.forget();
    agent.observe(turn(5, 2));
    assertThat(agent.replay().size()).isZero();
    agent.replay().checkInvariants(2);
  }

  @Test
  void testingActsGreedilyWithinTheMaskAndStoresNothing() {
    DqnAgent agent = new DqnAgent(device, SPEC, settings(false, 1)); // ε is 0 in testing
    Observation o = see(3, 1);
    int best = agent.act(List.of(new Turn.Decision(0, o, 0, null)), Phase.TESTING)[0];
    boolean[] forbidden = new boolean[3];
    forbidden[best] = true;
    int other = agent.act(List.of(new Turn.Decision(0, o, 0, forbidden)), Phase.TESTING)[0];
    assertThat(other).isNotEqualTo(best);
    agent.replay().checkInvariants(0);
    DqnAgent tutorial = new DqnAgent(device, SPEC, settings(true, 1));
    assertThat(tutorial.act(List.of(new Turn.Decision(0, o, 0, forbidden)), Phase.TESTING)[0])
        .isEqualTo(best); // equal seeds, equal weights; the tutorial looks at no mask
  }

  @Test
  void valuesAreThoseItActsOnAndChangeNothing() {
    DqnAgent agent = new DqnAgent(device, SPEC, settings(false, 1));
    boolean[] forbidden = {false, true, false};
    List<Turn.Decision> decisions =
        List.of(
            new Turn.Decision(0, see(3, 1), 0, forbidden),
            new Turn.Decision(1, see(-2, 4), 0, null));
    float[][] q = agent.values(decisions);
    int[] actions = agent.act(decisions, Phase.TESTING);
    assertThat(q[0][1]).isNaN();
    assertThat(actions[0]).isEqualTo(q[0][0] >= q[0][2] ? 0 : 2);
    for (int a = 0; a < 3; a++) {
      assertThat(q[1][a]).isLessThanOrEqualTo(q[1][actions[1]]);
    }
    agent.replay().checkInvariants(0);
  }

  @Test
  void exploringStaysWithinTheMask() {
    DqnAgent agent = new DqnAgent(device, SPEC, settings(false, 1)); // ε is 1 at step 0
    boolean[] forbidden = {true, false, true};
    List<Turn.Decision> decisions = List.of(new Turn.Decision(0, see(0, 0), 0, forbidden));
    agent.observe(new Turn(List.of(), decisions));
    for (int i = 0; i < 50; i++) {
      assertThat(agent.act(decisions, Phase.TRAINING)).containsExactly(1);
    }
  }

  /** max over no action is −∞, and one such target would end the learning. */
  @Test
  void aStateThatForbidsEverythingAllowsEverything() {
    DqnAgent agent = new DqnAgent(device, SPEC, settings(false, 1));
    boolean[] all = {true, true, true};
    for (int t = 0; t <= 15; t++) {
      List<Turn.Decision> decisions = List.of(new Turn.Decision(0, see(t, 0), 0.1f, all));
      agent.observe(new Turn(List.of(), decisions));
      agent.learn(t);
      assertThat(agent.act(decisions, Phase.TRAINING)[0]).isBetween(0, 2);
    }
    assertThat(agent.drainStatistics().loss()).isFinite();
  }

  @Test
  void statisticsCoverEveryUpdateSinceTheLastCall() {
    DqnAgent agent = new DqnAgent(device, SPEC, settings(false, 1));
    assertThat(agent.drainStatistics().loss()).isNaN();
    play(agent, 14, 1);
    DqnAgent.Statistics statistics = agent.drainStatistics();
    assertThat(statistics.updates()).isEqualTo(4);
    assertThat(statistics.loss()).isPositive();
    assertThat(statistics.largestGradient()).isPositive();
    assertThat(statistics.meanTarget()).isFinite();
    assertThat(agent.drainStatistics().updates()).isZero();
  }

  @Test
  void aSavedAgentGoesOnAsIfItHadNeverStopped(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("agent.safetensors");
    DqnAgent first = new DqnAgent(device, SPEC, settings(false, 1));
    play(first, 15, 1);
    SafetensorsWriter writer = new SafetensorsWriter();
    first.save(writer);
    writer.write(file);

    DqnAgent second = new DqnAgent(device, SPEC, settings(false, 1));
    play(second, 10, 1); // fills its replay with other transitions
    try (Safetensors saved = Safetensors.open(file)) {
      second.load(saved);
    }
    assertThat(second.updates()).isEqualTo(first.updates());
    assertThat(second.epsilon(Phase.TRAINING)).isEqualTo(first.epsilon(Phase.TRAINING));
    SafetensorsWriter again = new SafetensorsWriter();
    second.save(again);
    Path copy = folder.resolve("again.safetensors");
    again.write(copy);
    assertThat(copy).hasSameBinaryContentAs(file);
  }

  /** One agent waits, the other is on its way; the tutorial follows the first alone. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void withItsReplayNothingIsLost(boolean tutorial, @TempDir Path folder) throws Exception {
    DqnAgent first = new DqnAgent(device, SPEC, settings(tutorial, 1));
    play(first, 40, 2);
    first.act(turn(40, 2).decisions(), Phase.TRAINING);
    first.observe(turn(41, 1));
    first.learn(82);
    ByteArrayOutputStream replay = new ByteArrayOutputStream();
    first.saveReplay(new DataOutputStream(replay));
    DqnAgent second = new DqnAgent(device, SPEC, settings(tutorial, 1));
    play(second, 7, 1);
    try (Safetensors saved = Safetensors.open(saved(first, folder.resolve("half")))) {
      second.load(saved);
    }
    second.loadReplay(stream(replay.toByteArray()));
    second.replay().checkInvariants(2);
    Turn waiting = turn(41, 1);
    for (int t = 42; t < 60; t++) {
      assertThat(second.act(waiting.decisions(), Phase.TRAINING))
          .isEqualTo(first.act(waiting.decisions(), Phase.TRAINING));
      // The other one arrives first.
      waiting = t == 42 ? new Turn(List.of(), turn(t, 2).decisions().subList(1, 2)) : turn(t, 2);
      for (DqnAgent agent : List.of(first, second)) {
        agent.observe(waiting);
        agent.learn(2 * t);
      }
    }
    assertThat(second.drainStatistics()).isEqualTo(first.drainStatistics());
    assertThat(saved(second, folder.resolve("resumed")))
        .hasSameBinaryContentAs(saved(first, folder.resolve("never stopped")));
  }

  @Test
  void aReplayThatIsNotWholeLeavesNone() throws Exception {
    DqnAgent first = new DqnAgent(device, SPEC, settings(false, 1));
    play(first, 20, 2);
    ByteArrayOutputStream replay = new ByteArrayOutputStream();
    first.saveReplay(new DataOutputStream(replay));
    byte[] whole = replay.toByteArray();
    DqnAgent second = new DqnAgent(device, SPEC, settings(false, 1));
    for (int length = 0; length < whole.length; length += length < whole.length - 40 ? 61 : 1) {
      byte[] part = Arrays.copyOf(whole, length);
      assertThatThrownBy(() -> second.loadReplay(stream(part))).isInstanceOf(EOFException.class);
      assertThat(second.replay().size()).isZero();
      second.replay().checkInvariants(0);
    }
    assertThatThrownBy(() -> second.loadReplay(stream(Arrays.copyOf(whole, whole.length + 1))))
        .hasMessage("it goes on after its end");
    second.replay().checkInvariants(0);
    second.loadReplay(stream(whole));
    second.replay().checkInvariants(2);
  }

  private static DataInputStream stream(byte[] bytes) {
    return new DataInputStream(new ByteArrayInputStream(bytes));
  }

  private static Path saved(DqnAgent agent, Path file) throws IOException {
    SafetensorsWriter writer = new SafetensorsWriter();
    agent.save(writer);
    writer.write(file);
    return file;
  }

  @Test
  void aLoadedAgentTellsNothingOfUpdatesBefore(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("agent.safetensors");
    DqnAgent agent = new DqnAgent(device, SPEC, settings(false, 1));
    SafetensorsWriter writer = new SafetensorsWriter();
    agent.save(writer);
    writer.write(file);
    play(agent, 11, 1);
    double once = agent.drainStatistics().loss();
    try (Safetensors saved = Safetensors.open(file)) {
      agent.load(saved);
      play(agent, 11, 1); // the same update, twice
      agent.load(saved);
      play(agent, 11, 1);
    }
    assertThat(agent.drainStatistics().loss()).isCloseTo(once, within(once / 2));
  }

  @Test
  void weightsThatAreNotFiniteAreNotSaved() {
    DqnAgent agent = new DqnAgent(device, SPEC, settings(false, 1));
    Map<String, Values> weights = agent.learner().onlineWeights().save();
    weights.get("fc2.bias").floats()[3] = Float.NaN;
    agent.learner().onlineWeights().load(weights);
    assertThatThrownBy(() -> agent.save(new SafetensorsWriter()))
        .isInstanceOf(DivergedException.class)
        .hasMessage(
            "training diverged: at step 0 fc2.bias holds NaN; the last checkpoint is kept. Lower"
                + " --learning-rate, or set --max-gradient-norm.");
  }
}
