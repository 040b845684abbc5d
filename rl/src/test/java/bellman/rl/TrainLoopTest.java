package bellman.rl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import bellman.rl.env.Environment;
import bellman.rl.env.Frame;
import bellman.rl.env.Observation;
import bellman.rl.env.Spec;
import bellman.rl.env.Turn;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TrainLoopTest {
  /**
   * Two agents: agent 0 ends every 2 turns with rewards 1, 10; agent 1 is cut off every 3: 1 each.
   * Breaks instead of the turn after {@code whole} ones.
   */
  private static final class Clockwork implements Environment {
    private static final Observation O = Observation.vector(0);
    private final List<String> calls = new ArrayList<>();
    private int t;
    private int whole = Integer.MAX_VALUE;
    private boolean stateless;

    @Override
    public Spec spec() {
      return new Spec("Clockwork", Frame.vector(1), 0, 2);
    }

    @Override
    public Turn reset() {
      calls.add("reset");
      t = 0;
      return new Turn(
          List.of(),
          List.of(new Turn.Decision(0, O, 100, null), new Turn.Decision(1, O, 100, null)));
    }

    @Override
    public Optional<byte[]> state() {
      return stateless ? Optional.empty() : Optional.of(new byte[] {(byte) t});
    }

    @Override
    public Turn resume(byte[] state) {
      calls.add("resume");
      t = state[0];
      return turn();
    }

    @Override
    public Turn step(int[] actions) {
      if (whole-- == 0) {
        return new Turn(List.of(), reset().decisions(), true);
      }
      t++;
      return turn();
    }

    private Turn turn() {
      List<Turn.Ending> endings = new ArrayList<>();
      if (t % 2 == 0) {
        endings.add(new Turn.Ending(0, O, 10, false));
      }
      if (t % 3 == 0) {
        endings.add(new Turn.Ending(1, O, 1, true));
      }
      return new Turn(
          endings,
          List.of(
              new Turn.Decision(0, O, t % 2 == 0 ? 0 : 1, null),
              new Turn.Decision(1, O, t % 3 == 0 ? 0 : 1, null)));
    }

    @Override
    public void timeScale(float scale) {
      calls.add("timeScale " + scale);
    }

    @Override
    public void close() {}
  }

  private static final class Scribe implements Agent, Observer {
    private final List<String> agent = new ArrayList<>();
    private final List<Episode> episodes = new ArrayList<>();
    private final List<Summary> summaries = new ArrayList<>();
    private final List<String> phases = new ArrayList<>();
    private final List<Long> steps = new ArrayList<>();
    private Outcome outcome;
    private double loss = 0.5;
    private long updates;
    private long drained;
    private boolean dies;

    @Override
    public void observe(Turn turn) {
      agent.add("observe");
    }

    @Override
    public int[] act(List<Turn.Decision> decisions, Phase phase) {
      agent.add("act " + phase);
      return new int[decisions.size()];
    }

    @Override
    public void learn(long step) {
      agent.add("learn " + step);
      updates++;
    }

    @Override
    public void forget() {
      if (dies && !agent.isEmpty()) {
        throw new IllegalStateException("no more");
      }
      agent.add("forget");
    }

    @Override
    public Statistics drainStatistics() {
      long n = updates - drained;
      drained = updates;
      return n == 0 ? Statistics.none() : new Statistics(n, loss, 0, 0, 0);
    }

    @Override
    public long updates() {
      return updates;
    }

    @Override
    public double epsilon(Phase phase) {
      return 0.5;
    }

    @Override
    public double learningRate() {
      return 1e-3;
    }

    @Override
    public void progressed(Progress progress) {
      steps.add(progress.step());
    }

    @Override
    public void episodeEnded(Episode episode) {
      episodes.add(episode);
    }

    @Override
    public void summarized(Summary summary) {
      summaries.add(summary);
    }

    @Override
    public void phaseBegan(Phase phase, long step) {
      phases.add(phase + " " + step);
    }

    @Override
    public void finished(Outcome outcome) {
      this.outcome = outcome;
    }

    @Override
    public void close() {}
  }

  private final Clockwork world = new Clockwork();
  private final Scribe scribe = new Scribe();

  private TrainLoop loop(long steps, long testSteps, long stopAfter) {
    return loop(steps, testSteps, stopAfter, 2);
  }

  private TrainLoop loop(long steps, long testSteps, long stopAfter, int summaryEpisodes) {
    return loop(scribe, steps, testSteps, stopAfter, summaryEpisodes);
  }

  private TrainLoop loop(
      Agent agent, long steps, long testSteps, long stopAfter, int summaryEpisodes) {
    return new TrainLoop(
        new TrainLoop.Plan(steps, testSteps, stopAfter, summaryEpisodes, 12, 1), world, agent);
  }

  @Test
  void returnsCountWhatFollowedAnActionAndNothingElse() {
    loop(12, 0, Long.MAX_VALUE).run(List.of(scribe), () -> false);
    // 6 turns: agent 0 ends at turns 2, 4, 6; agent 1 at 3 and 6.
    assertThat(scribe.episodes)
        .containsExactly(
            new Episode(1, 0, Phase.TRAINING, 0, 11, 2, false, 4),
            new Episode(2, 1, Phase.TRAINING, 0, 3, 3, true, 6),
            new Episode(3, 0, Phase.TRAINING, 0, 11, 2, false, 8),
            new Episode(4, 0, Phase.TRAINING, 0, 11, 2, false, 12),
            new Episode(5, 1, Phase.TRAINING, 0, 3, 3, true, 12));
    assertThat(scribe.steps).containsExactly(2L, 4L, 6L, 8L, 10L, 12L);
  }

  @Test
  void whatARestartCutsOffIsNeitherToldNorLearned() {
    world.whole = 3;
    loop(10, 0, Long.MAX_VALUE).run(List.of(scribe), () -> false);
    // Agent 0 had taken one action of its second episode; the fourth turn is lost.
    assertThat(scribe.episodes)
        .containsExactly(
            new Episode(1, 0, Phase.TRAINING, 0, 11, 2, false, 4),
            new Episode(2, 1, Phase.TRAINING, 0, 3, 3, true, 6),
            new Episode(3, 0, Phase.TRAINING, 0, 11, 2, false, 10));
    assertThat(scribe.steps).containsExactly(2L, 4L, 6L, 8L, 10L);
    assertThat(scribe.agent.subList(9, 17))
        .containsExactly(
            "observe",
            "learn 6",
            "act TRAINING",
            "forget",
            "observe",
            "act TRAINING",
            "observe",
            "learn 8");
  }

  @Test
  void aRestartInTestingTeachesNothing() {
    world.whole = 3;
    Outcome outcome = loop(0, 10, Long.MAX_VALUE).run(List.of(scribe), () -> false);
    assertThat(scribe.episodes)
        .extracting(Episode::agentReturn, Episode::length)
        .containsExactly(tuple(11.0, 2), tuple(3.0, 3), tuple(11.0, 2));
    assertThat(outcome.testMeanReturn()).isEqualTo(25 / 3.0);
    assertThat(scribe.agent).doesNotContain("observe").filteredOn("forget"::equals).hasSize(2);
  }

  @Test
  void summariesHoldTheirWindowAndTheLastIsWhatIsLeft() {
    loop(12, 0, Long.MAX_VALUE).run(List.of(scribe), () -> false);
    assertThat(scribe.summaries).extracting(Summary::episode).containsExactly(2, 4, 5);
    assertThat(scribe.summaries).extracting(Summary::episodes).containsExactly(2, 2, 1);
    assertThat(scribe.summaries).extracting(Summary::meanReturn).containsExactly(7.0, 11.0, 3.0);
    assertThat(scribe.summaries).extracting(Summary::stdReturn).containsExactly(4.0, 0.0, 0.0);
    assertThat(scribe.summaries).extracting(Summary::meanLength).containsExactly(2.5, 2.0, 3.0);
    assertThat(scribe.summaries).extracting(Summary::updates).containsExactly(3L, 3L, 0L);
    assertThat(scribe.summaries.get(0).loss()).isEqualTo(0.5);
  }

  /** Turn 5 ends no episode, so its update belongs to no window. */
  @Test
  void testingTellsNothingOfTheLastUpdatesOfTraining() {
    loop(10, 8, Long.MAX_VALUE, 1).run(List.of(scribe), () -> false);
    assertThat(scribe.summaries)
        .filteredOn(s -> s.phase() == Phase.TESTING)
        .isNotEmpty()
        .allMatch(s -> s.updates() == 0 && Double.isNaN(s.loss()));
  }

  @Test
  void aLossThatIsNoNumberEndsTheRunEvenWithoutAnEpisode() {
    scribe.loss = Double.NaN;
    TrainLoop loop = loop(2, 0, Long.MAX_VALUE); // one turn
    assertThatThrownBy(() -> loop.run(List.of(scribe), () -> false))
        .isInstanceOf(DivergedException.class)
        .hasMessage(
            "training diverged: the mean loss of the last 1 updates before step 2 is NaN; the last"
                + " checkpoint is kept. Lower --learning-rate, or set --max-gradient-norm.");
    assertThat(scribe.outcome).isNull();
  }

  @Test
  void plansThatCannotBeAreRefused() {
    assertThatThrownBy(() -> loop(10, 0, Long.MAX_VALUE, 0))
        .hasMessage(
            "plan: steps and test steps are 0 or more, stopAfter and summary episodes 1 or more;"
                + " got 10, 0, 9223372036854775807 and 0");
    assertThatThrownBy(() -> loop(-1, 0, 1)).hasMessageEndingWith("got -1, 0, 1 and 2");
  }

  @Test
  void testingFollowsTrainingAfreshAndTeachesNothing() {
    Outcome outcome = loop(4, 8, Long.MAX_VALUE).run(List.of(scribe), () -> false);
    assertThat(scribe.phases).containsExactly("TRAINING 0", "TESTING 4");
    assertThat(world.calls).containsExactly("timeScale 12.0", "reset", "timeScale 1.0", "reset");
    assertThat(scribe.agent)
        .containsExactly(
            "forget",
            "observe",
            "act TRAINING",
            "observe",
            "learn 2",
            "act TRAINING",
            "observe",
            "learn 4",
            "forget",
            "act TESTING",
            "act TESTING",
            "act TESTING",
            "act TESTING");
    assertThat(outcome.reason()).isEqualTo(Outcome.Reason.COMPLETED);
    assertThat(outcome.testEpisodes()).isEqualTo(3); // 11, 3, 11: the one begun in training is gone
    assertThat(outcome.testMeanReturn()).isEqualTo(25 / 3.0);
    assertThat(scribe.outcome).isEqualTo(outcome);
  }

  /** 14 turns of two steps: stopped after every one of them, in both phases. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13})
  void goesOnAsIfItHadNeverStopped(int turns) {
    Outcome never = loop(16, 12, Long.MAX_VALUE, 3).run(List.of(scribe), () -> false);
    Scribe other = new Scribe();
    TrainLoop first = loop(other, 16, 12, 2 * turns, 3);
    first.run(List.of(other), () -> false);
    assertThat(first.state().step()).isEqualTo(2 * turns);
    world.calls.clear();
    TrainLoop second = loop(other, 16, 12, Long.MAX_VALUE, 3);
    second.restore(first.state());
    Outcome resumed = second.run(List.of(other), () -> false);
    assertThat(world.calls.get(0)).isEqualTo("resume");
    assertThat(world.calls).filteredOn("reset"::equals).hasSize(turns < 8 ? 1 : 0);
    assertThat(other.episodes).isEqualTo(scribe.episodes);
    assertThat(other.steps).isEqualTo(scribe.steps);
    assertThat(other.agent).isEqualTo(scribe.agent);
    assertThat(other.summaries.stream().map(TrainLoopTest::untimed))
        .containsExactlyElementsOf(scribe.summaries.stream().map(TrainLoopTest::untimed).toList());
    assertThat(untimed(resumed)).isEqualTo(untimed(never));
  }

  private static String untimed(Record told) {
    return told.toString().replaceFirst("seconds=.*", "");
  }

  @Test
  void aWindowThatIsOpenAtAStopIsToldWhenItIsFull() {
    TrainLoop first = loop(12, 0, 8);
    first.run(List.of(scribe), () -> false);
    assertThat(scribe.episodes).hasSize(3);
    assertThat(scribe.summaries).extracting(Summary::episodes).containsExactly(2);
    assertThat(first.state().window()).isEqualTo(new TrainLoop.Window(1, 11, 121, 2));
    assertThat(first.state().phase()).contains(Phase.TRAINING);
    assertThat(first.state().running()).containsOnlyKeys(1);
  }

  @Test
  void aWorldThatKeepsItsStateToItselfBeginsAnew() {
    world.stateless = true;
    TrainLoop first = loop(12, 0, 8);
    first.run(List.of(scribe), () -> false);
    assertThat(first.state().phase()).isEmpty();
    assertThat(first.state().running()).isEmpty();
    assertThat(first.state().window().episodes()).isEqualTo(1);
    world.calls.clear();
    TrainLoop second = loop(12, 0, Long.MAX_VALUE);
    second.restore(first.state());
    second.run(List.of(scribe), () -> false);
    assertThat(world.calls).containsExactly("timeScale 12.0", "reset");
    assertThat(scribe.episodes.get(3))
        .isEqualTo(new Episode(4, 0, Phase.TRAINING, 0, 11, 2, false, 12)); // agent 1's was dropped
  }

  /** The step at which a world fails may or may not have happened there. */
  @Test
  void aWorldThatFailedIsNotGoneOnWith() {
    world.whole = 3;
    scribe.dies = true;
    TrainLoop first = loop(12, 0, Long.MAX_VALUE);
    assertThatThrownBy(() -> first.run(List.of(scribe), () -> false)).hasMessage("no more");
    assertThat(first.state().step()).isEqualTo(6);
    assertThat(first.state().world()).isEmpty();
    assertThat(first.state().phase()).isEmpty();
  }

  @Test
  void stopsEarlyAndGoesOn() {
    TrainLoop first = loop(12, 4, 5);
    assertThat(first.run(List.of(scribe), () -> false).reason()).isEqualTo(Outcome.Reason.STOPPED);
    assertThat(first.state().step()).isEqualTo(6);
    assertThat(first.state().episodes()).isEqualTo(2);
    assertThat(first.state().seconds()).isPositive();
    TrainLoop second = loop(12, 4, Long.MAX_VALUE);
    second.restore(first.state());
    assertThat(second.run(List.of(scribe), () -> false).reason())
        .isEqualTo(Outcome.Reason.COMPLETED);
    assertThat(scribe.steps).containsExactly(2L, 4L, 6L, 8L, 10L, 12L, 14L, 16L);
    assertThat(scribe.episodes.get(2).number()).isEqualTo(3);
  }

  @Test
  void anInterruptEndsTheRunAfterItsTurn() {
    AtomicInteger turns = new AtomicInteger();
    Outcome outcome =
        loop(100, 10, Long.MAX_VALUE).run(List.of(scribe), () -> turns.incrementAndGet() > 3);
    assertThat(outcome.reason()).isEqualTo(Outcome.Reason.INTERRUPTED);
    assertThat(outcome.step()).isEqualTo(6);
    assertThat(scribe.phases).containsExactly("TRAINING 0");
  }
}
