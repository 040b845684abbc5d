package bellman.rl.env;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import bellman.engine.Device;
import bellman.engine.reference.ReferenceBackend;
import bellman.rl.Episode;
import bellman.rl.Observer;
import bellman.rl.TrainLoop;
import bellman.rl.dqn.DqnAgent;
import bellman.rl.dqn.DqnSettings;
import bellman.rl.dqn.Epsilon;
import bellman.rl.dqn.NetworkSettings;
import bellman.unity.PlayerDiedException;
import bellman.unity.RestartLimits;
import bellman.unity.UnityEnvironment;
import bellman.unity.UnityException;
import bellman.unity.player.Connection;
import bellman.unity.player.GridWorldOptions;
import bellman.unity.player.GridWorldPlayer;
import bellman.unity.player.GridWorldState;
import bellman.unity.player.Player;
import bellman.unity.proto.UnityMessageProto;
import bellman.unity.proto.UnityOutputProto;
import bellman.unity.proto.UnityRLOutputProto.ListAgentInfoProto;
import bellman.unity.sidechannel.EngineConfigurationChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class UnityWorldTest {
  private static UnityWorld open(
      GridWorldOptions options, Optional<String> behavior, int firstAction, boolean gate) {
    return open(
        List.of(new GridWorldPlayer(options)), RestartLimits.NONE, behavior, firstAction, gate);
  }

  /** Each player is the one after the one before has died. */
  private static UnityWorld open(
      List<? extends Player> players,
      RestartLimits limits,
      Optional<String> behavior,
      int firstAction,
      boolean gate) {
    Iterator<? extends Player> next = players.iterator();
    return new UnityWorld(
        engine -> UnityEnvironment.embedded(next.next()).seed(7).sideChannels(engine).open(),
        limits,
        new UnityWorld.Choice(behavior, name -> firstAction, List.of(), gate),
        Duration.ofSeconds(10));
  }

  private static UnityWorld open(GridWorldOptions options) {
    return open(options, Optional.empty(), 1, true);
  }

  @Test
  void gridWorldIsAPictureAGoalAndFourMoves() {
    try (UnityWorld world = open(GridWorldOptions.defaults())) {
      Signature signature =
          new Signature(
              List.of(List.of(3, 64, 84), List.of(2)),
              List.of(0),
              List.of(),
              1,
              List.of(new Signature.Branch(5, 1)));
      assertThat(world.spec())
          .isEqualTo(new Spec("GridWorld", Frame.picture(64, 84, 3), 2, 4, signature));
      Turn turn = world.reset();
      assertThat(turn.endings()).isEmpty();
      assertThat(turn.decisions()).hasSize(1);
      Observation o = turn.decisions().get(0).observation();
      assertThat(o.pixels()).hasSize(64 * 84 * 3);
      assertThat(o.goal()).isBetween(0, 1);
      assertThat(Arrays.copyOf(o.pixels(), 3)) // the side wall, gray
          .containsExactly((byte) 137, (byte) 139, (byte) 143);
    }
  }

  /** An episode's goal can be told from its end. */
  @Test
  void theGoalHoldsToTheEnd() {
    SplittableRandom random = new SplittableRandom(3);
    int ended = 0;
    try (UnityWorld world = open(GridWorldOptions.defaults())) {
      assertThat(world.labels().goals()).containsExactly("plus", "ex");
      assertThat(world.labels().actions()).containsExactly("up", "down", "left", "right");
      Turn turn = world.reset();
      for (int i = 0; i < 400; i++) {
        int goal = turn.decisions().get(0).observation().goal();
        turn = world.step(new int[] {random.nextInt(4)});
        for (Turn.Ending e : turn.endings()) {
          assertThat(e.observation().goal()).isEqualTo(goal);
          ended++;
        }
      }
    }
    assertThat(ended).isGreaterThan(10);
  }

  @Test
  void standingStillAndGoalsAreSettings() {
    try (UnityWorld world = open(GridWorldOptions.defaults(), Optional.of("GridWorld"), 0, false)) {
      assertThat(world.spec())
          .isEqualTo(new Spec("GridWorld", Frame.picture(64, 84, 3).with(2), 0, 5));
      boolean[] forbidden = world.reset().decisions().get(0).forbidden();
      assertThat(forbidden).hasSize(5);
      assertThat(forbidden[0]).isFalse(); // standing still is always allowed
    }
  }

  /** Both layouts of pictures lead to the same bytes, and to the same game. */
  @Test
  void masksRewardsAndEndsOfAWholeGame() {
    assertThat(story("2.0.0")).isEqualTo(story("3.0.0"));
  }

  private static List<String> story(String packageVersion) {
    List<String> story = new ArrayList<>();
    try (UnityWorld world =
        open(GridWorldOptions.defaults().withAgents(3).withPackageVersion(packageVersion))) {
      SplittableRandom random = new SplittableRandom(1);
      Turn turn = world.reset();
      int terminal = 0;
      int cutOff = 0;
      for (int step = 0; step < 600; step++) {
        int[] actions = new int[turn.decisions().size()];
        for (int i = 0; i < actions.length; i++) {
          boolean[] forbidden = turn.decisions().get(i).forbidden();
          do {
            actions[i] = random.nextInt(4);
          } while (forbidden[actions[i]]);
        }
        turn = world.step(actions);
        assertThat(turn.decisions()).extracting(Turn.Decision::agent).containsExactly(0, 1, 2);
        for (Turn.Ending e : turn.endings()) {
          assertThat(e.reward()).isIn(e.interrupted() ? List.of(-0.01f) : List.of(1f, -1f));
          terminal += e.interrupted() ? 0 : 1;
          cutOff += e.interrupted() ? 1 : 0;
          assertThat(turn.decisions().get(e.agent()).reward()).isZero(); // it has begun anew
        }
        story.add(
            Arrays.hashCode(turn.decisions().get(1).observation().pixels())
                + " "
                + turn.endings().size());
      }
      assertThat(terminal).isGreaterThan(20);
      assertThat(cutOff).isLessThan(terminal);
    }
    return story;
  }

  /** A player that can be saved. */
  private static final class Saved implements UnityWorld.Opener {
    private final GridWorldOptions options;
    private GridWorldPlayer player;

    private Saved(GridWorldOptions options) {
      this.options = options;
    }

    @Override
    public UnityEnvironment open(EngineConfigurationChannel engine) {
      return open(new GridWorldPlayer(options), engine);
    }

    @Override
    public UnityEnvironment resume(EngineConfigurationChannel engine, byte[] state) {
      return open(new GridWorldPlayer(options, GridWorldState.fromBytes(state)), engine);
    }

    private UnityEnvironment open(GridWorldPlayer next, EngineConfigurationChannel engine) {
      player = next;
      return UnityEnvironment.embedded(next).seed(7).sideChannels(engine).open();
    }

    @Override
    public Optional<byte[]> state() {
      return Optional.of(player.snapshot().toBytes());
    }
  }

  private static UnityWorld open(UnityWorld.Opener opener) {
    return new UnityWorld(
        opener,
        RestartLimits.NONE,
        new UnityWorld.Choice(Optional.empty(), name -> 1, List.of(), true),
        Duration.ofSeconds(10));
  }

  private static List<Object> told(Turn turn) {
    List<Object> told = new ArrayList<>();
    for (Turn.Ending e : turn.endings()) {
      told.add(List.of(e.agent(), e.reward(), e.interrupted(), hash(e.observation())));
    }
    for (Turn.Decision d : turn.decisions()) {
      told.add(
          List.of(d.agent(), d.reward(), Arrays.hashCode(d.forbidden()), hash(d.observation())));
    }
    return told;
  }

  private static int hash(Observation o) {
    return 31 * Arrays.hashCode(o.pixels()) + o.goal();
  }

  @Test
  void aSavedPlayerSaysItsLastWordsAgainAndGoesOn() {
    GridWorldOptions options = GridWorldOptions.defaults().withAgents(4).withGrid(2, 1, 1);
    try (UnityWorld first = open(new Saved(options));
        UnityWorld second = open(new Saved(options))) {
      first.timeScale(3);
      Turn turn = first.reset();
      while (turn.endings().isEmpty()) {
        turn = first.step(new int[] {0, 1, 2, 3});
      }
      byte[] state = first.state().orElseThrow();
      second.reset();
      assertThat(told(second.resume(state))).isEqualTo(told(turn));
      for (int i = 0; i < 40; i++) {
        int[] actions = {i % 4, (i + 1) % 4, i % 3, 3};
        assertThat(told(second.step(actions))).isEqualTo(told(first.step(actions)));
      }
      assertThat(told(second.reset())).isEqualTo(told(first.reset()));
      assertThat(second.state().orElseThrow()).isEqualTo(first.state().orElseThrow());
    }
  }

  @Test
  void aStateThatDoesNotFitChangesNothing() {
    byte[] state;
    try (UnityWorld other = open(new Saved(GridWorldOptions.defaults().withAgents(2)))) {
      state = other.state().orElseThrow();
    }
    try (UnityWorld world = open(new Saved(GridWorldOptions.defaults()))) {
      Turn turn = world.reset();
      assertThatThrownBy(() -> world.resume(state))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "gridworld: the saved state holds 2 agents, the options ask for 1; ask for as many as"
                  + " were saved");
      assertThatThrownBy(() -> world.resume(new byte[] {1, 2}))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("gridworld state: 2 bytes are cut short or damaged; save it anew");
      assertThat(world.step(new int[1]).decisions()).hasSameSizeAs(turn.decisions());
    }
  }

  /** A build in another process, for one. */
  @Test
  void anOrdinaryPlayersStateIsOutOfReach() {
    try (UnityWorld world = open(GridWorldOptions.defaults())) {
      assertThat(world.state()).isEmpty();
      assertThatThrownBy(() -> world.resume(new byte[9]))
          .hasMessage("a player in another process cannot be given a state");
    }
  }

  /**
   * A player that dies instead of its message {@code life}, counted from 0. Message 2 answers the
   * reset with which a world begins, message 3 the first reset of a run or, of a player that was
   * started again, the first step.
   */
  private record Mortal(GridWorldPlayer player, int life) implements Player {
    private Mortal(GridWorldOptions options, int life) {
      this(new GridWorldPlayer(options), life);
    }

    @Override
    public int play(Connection trainer) {
      return player.play(
          new Connection() {
            private int said;

            @Override
            public UnityMessageProto exchange(UnityMessageProto message) {
              if (said++ == life) {
                throw new IllegalStateException("the grid is gone");
              }
              return trainer.exchange(message);
            }

            @Override
            public void close() {
              trainer.close();
            }
          });
    }
  }

  private static final RestartLimits ANY = new RestartLimits(-1, -1, Duration.ofSeconds(1));

  private static UnityWorld open(List<Mortal> players, RestartLimits limits) {
    return open(players, limits, Optional.empty(), 1, true);
  }

  @Test
  void aPlayerThatDiesIsStartedAgainUntilOnePlays() {
    GridWorldOptions options = GridWorldOptions.defaults().withAgents(3);
    List<Mortal> players =
        List.of(new Mortal(options, 5), new Mortal(options, 2), new Mortal(options, 5));
    try (UnityWorld world = open(players, ANY)) {
      world.timeScale(7);
      assertThat(world.reset().restarted()).isFalse();
      assertThat(world.step(new int[3]).restarted()).isFalse();
      Turn anew = world.step(new int[3]);
      assertThat(anew.restarted()).isTrue();
      assertThat(anew.endings()).isEmpty();
      assertThat(anew.decisions()).extracting(Turn.Decision::reward).containsExactly(0f, 0f, 0f);
      assertThat(players.get(2).player.snapshot().timeScale()).isEqualTo(7);
      Turn next = world.step(new int[3]);
      assertThat(next.restarted()).isFalse();
      assertThat(next.decisions()).extracting(Turn.Decision::reward).contains(-0.01f);
    }
  }

  @Test
  void aResetThatFailsIsARestartToo() {
    GridWorldOptions options = GridWorldOptions.defaults();
    try (UnityWorld world = open(List.of(new Mortal(options, 3), new Mortal(options, 9)), ANY)) {
      assertThat(world.reset().decisions()).hasSize(1);
    }
  }

  @Test
  void limitsEndIt() {
    GridWorldOptions options = GridWorldOptions.defaults();
    List<Mortal> players = List.of(new Mortal(options, 4), new Mortal(options, 3));
    try (UnityWorld world = open(players, RestartLimits.NONE)) {
      world.reset();
      assertThatThrownBy(() -> world.step(new int[1])).isInstanceOf(PlayerDiedException.class);
    }
    List<Mortal> more = List.of(new Mortal(options, 4), new Mortal(options, 3));
    try (UnityWorld world = open(more, RestartLimits.DEFAULT)) {
      world.reset();
      assertThat(world.step(new int[1]).restarted()).isTrue();
      assertThatThrownBy(() -> world.step(new int[1]))
          .isInstanceOf(UnityException.class)
          .hasMessageStartingWith("the player failed again after it was started again once within");
    }
  }

  @Test
  void anotherPlayerThanBeforeIsRefused() {
    GridWorldOptions options = GridWorldOptions.defaults();
    List<Mortal> players =
        List.of(new Mortal(options, 4), new Mortal(options.withPackageVersion("2.0.0"), 9));
    try (UnityWorld world = open(players, ANY)) {
      world.reset();
      assertThatThrownBy(() -> world.step(new int[1]))
          .isInstanceOf(UnityException.class)
          .hasMessageStartingWith(
              "the player that was started again has BehaviorSpec[name=GridWorld?team=0, ")
          .hasMessageContaining(", while the run trains BehaviorSpec[name=GridWorld?team=0, ")
          .hasMessageEndingWith(" Remedy: leave the build as it is while a run uses it.");
    }
  }

  /** Every step that counts is one transition, and no episode is longer than a player's life. */
  @Test
  void aLearnerKeepsNothingThatReachesFromOnePlayerToTheNext() {
    GridWorldOptions options = GridWorldOptions.defaults().withAgents(3);
    List<Mortal> players = Stream.generate(() -> new Mortal(options, 30)).limit(4).toList();
    DqnSettings settings =
        new DqnSettings(
            4,
            400,
            1_000_000,
            1,
            1e-3,
            0,
            0.9,
            100,
            new Epsilon(1, 1, 0, 1),
            1,
            false,
            5,
            NetworkSettings.DEFAULT);
    List<Episode> episodes = new ArrayList<>();
    Observer observer =
        new Observer() {
          @Override
          public void episodeEnded(Episode e) {
            episodes.add(e);
          }
        };
    try (Device device = new Device(ReferenceBackend.floats());
        UnityWorld world = open(players, ANY);
        DqnAgent agent = new DqnAgent(device, world.spec(), settings)) {
      TrainLoop loop =
          new TrainLoop(new TrainLoop.Plan(300, 0, Long.MAX_VALUE, 10, 1, 1), world, agent);
      loop.run(List.of(observer), () -> false);
      // 26 turns in the first life, 27 in the next two, 20 in the last
      assertThat(players.get(3).player.snapshot()).isNotNull();
      assertThat(loop.state().step()).isEqualTo(300);
      assertThat(agent.replay().size()).isEqualTo(300);
      agent.replay().checkInvariants(3);
    }
    assertThat(episodes).isNotEmpty();
    for (Episode e : episodes) {
      assertThat(e.length()).isLessThanOrEqualTo(27);
      double end = e.agentReturn() + 0.01 * (e.length() - 1);
      assertThat(Math.abs(end)).isCloseTo(1, within(1e-5));
    }
  }

  /** GridWorld, whose messages are changed on their way. */
  private record Edited(Consumer<UnityOutputProto.Builder> edit) implements Player {
    @Override
    public int play(Connection trainer) {
      return new GridWorldPlayer(GridWorldOptions.defaults())
          .play(
              new Connection() {
                @Override
                public UnityMessageProto exchange(UnityMessageProto message) {
                  UnityMessageProto.Builder changed = message.toBuilder();
                  edit.accept(changed.getUnityOutputBuilder());
                  return trainer.exchange(changed.build());
                }

                @Override
                public void close() {
                  trainer.close();
                }
              });
    }
  }

  private static List<Float> rewards(Player player) {
    List<Float> rewards = new ArrayList<>();
    try (UnityWorld world = open(List.of(player), RestartLimits.NONE, Optional.empty(), 1, true)) {
      world.reset();
      SplittableRandom random = new SplittableRandom(3);
      for (int i = 0; i < 300; i++) {
        Turn turn = world.step(new int[] {random.nextInt(4)});
        turn.decisions().forEach(d -> rewards.add(d.reward()));
        turn.endings().forEach(e -> rewards.add(e.reward()));
      }
    }
    return rewards;
  }

  /** SimpleMultiAgentGroup.AddGroupReward of Unity is its agents' reward, too. */
  @Test
  void whatAGroupIsGivenIsItsAgentsToo() {
    List<Float> alone = rewards(new GridWorldPlayer(GridWorldOptions.defaults()));
    List<Float> grouped =
        rewards(
            new Edited(
                output ->
                    output
                        .getRlOutputBuilder()
                        .getAgentInfosMap()
                        .forEach(
                            (behavior, infos) -> {
                              ListAgentInfoProto.Builder agents = infos.toBuilder();
                              agents
                                  .getValueBuilderList()
                                  .forEach(a -> a.setGroupId(1).setGroupReward(0.25f));
                              output.getRlOutputBuilder().putAgentInfos(behavior, agents.build());
                            })));
    assertThat(alone).contains(-0.01f, 0f, 1f); // a step, a beginning, an end
    assertThat(grouped).isEqualTo(alone.stream().map(r -> r + 0.25f).toList());
  }

  @Test
  void ofSeveralTeamsOneIsNamed() {
    Player teams =
        new Edited(
            output -> {
              String other = "GridWorld?team=1";
              output
                  .getRlInitializationOutputBuilder()
                  .getBrainParametersList()
                  .forEach(
                      b ->
                          output
                              .getRlInitializationOutputBuilder()
                              .addBrainParameters(b.toBuilder().setBrainName(other)));
              output
                  .getRlOutputBuilder()
                  .getAgentInfosMap()
                  .values()
                  .forEach(
                      infos -> {
                        ListAgentInfoProto.Builder agents = infos.toBuilder();
                        agents.getValueBuilderList().forEach(a -> a.setId(a.getId() + 100));
                        output.getRlOutputBuilder().putAgentInfos(other, agents.build());
                      });
            });
    assertThatThrownBy(
            () -> open(List.of(teams), RestartLimits.NONE, Optional.of("GridWorld"), 1, true))
        .hasMessage(
            "'GridWorld' is the behavior of several teams; DQN trains one of them: name one of"
                + " [GridWorld?team=0, GridWorld?team=1] with --behavior");
  }

  @Test
  void whatCannotBeTrainedIsNamed() {
    assertThatThrownBy(() -> open(GridWorldOptions.defaults(), Optional.of("Ball"), 1, true))
        .hasMessage("the player has no behavior 'Ball', only [GridWorld?team=0]");
    assertThatThrownBy(() -> open(GridWorldOptions.defaults(), Optional.empty(), 5, true))
        .hasMessage(
            "first action 5: GridWorld?team=0 has the actions 0 to 4; at least one must remain");
  }
}
