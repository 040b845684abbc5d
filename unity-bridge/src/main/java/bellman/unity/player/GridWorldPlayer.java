package bellman.unity.player;

import bellman.unity.player.GridWorldState.Ending;
import bellman.unity.proto.AgentActionProto;
import bellman.unity.proto.AgentInfoProto;
import bellman.unity.proto.BrainParametersProto;
import bellman.unity.proto.CommandProto;
import bellman.unity.proto.UnityMessageProto;
import bellman.unity.proto.UnityRLInitializationInputProto;
import bellman.unity.proto.UnityRLInputProto;
import io.grpc.StatusRuntimeException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * GridWorld as a {@link Player}: the same messages in the same order as Unity's build of it, one
 * decision per agent and step.
 *
 * <ul>
 *   <li>The first message says who is calling, the second nothing; its answer is the trainer's
 *       first reset. The third holds the first observations and, this once, what kind of agents
 *       report.
 *   <li>When an agent acts and its episode ends, that is reported with the next message, in front
 *       of all decisions: the same id stands there twice, first done with the last observation and
 *       reward, then with the first observation of the new episode.
 *   <li>A mask stays empty until the agent has seen a wall for the first time; a done report
 *       repeats the mask of the last decision.
 *   <li>A reset in mid-run ends episodes without a report, and the step in which it arrives goes on
 *       with action 0, so the next reward is −0.01.
 *   <li>Agents without an action get action 0. Fewer actions than agents is an error.
 * </ul>
 *
 * Everything random follows from the seed in the trainer's first answer: agent {@code i} draws from
 * stream {@code i} of it. The seed is not Unity's generator, so episodes are alike only in law.
 *
 * <p>{@link #play} belongs to one thread and is called once; {@link #quit} and {@link #snapshot}
 * may be called from any.
 */
public final class GridWorldPlayer implements Player {
  private static final Logger log = LoggerFactory.getLogger(GridWorldPlayer.class);
  private static final double STEP_SECONDS = 0.02;
  private static final long FAREWELL_MILLIS = 2000;

  private final GridWorldOptions options;
  private final boolean resumed;
  private final SideChannelRecords sideChannels = new SideChannelRecords();
  private volatile boolean started;
  private volatile boolean quitting;
  private volatile float timeScale = 1;

  // Guarded by this.
  private GridWorld world;
  private List<Ending> endings = new ArrayList<>();

  /** A player that begins new episodes. */
  public GridWorldPlayer(GridWorldOptions options) {
    this.options = options;
    resumed = false;
  }

  /**
   * A player that goes on where {@code state} was taken: its first report is the one that waited
   * for actions then. The new trainer's seed is not used, and a parameter which that trainer sends
   * again in its first reset, in the same words, keeps drawing where it stood.
   *
   * @throws IllegalArgumentException when the numbers of agents differ
   */
  public GridWorldPlayer(GridWorldOptions options, GridWorldState state) {
    this.options = options;
    resumed = true;
    world = new GridWorld(options, state);
    endings.addAll(state.endings());
    timeScale = state.timeScale();
  }

  /**
   * {@inheritDoc} It is 1 when no trainer was there, when the two speak different versions, or when
   * the trainer said something that cannot be followed; the log says what.
   */
  @Override
  public int play(Connection connection) {
    if (started) {
      throw new IllegalStateException(
          "gridworld: this player has played already; make a new one, from a snapshot to go on");
    }
    started = true;
    int exitCode = 1;
    try (PngEncoder png = new PngEncoder(GridWorldPicture.WIDTH, GridWorldPicture.HEIGHT)) {
      exitCode = exchange(connection, png);
    } catch (IllegalArgumentException e) {
      log.error("GridWorld stops: {}", e.getMessage());
      farewell(connection);
    }
    return exitCode;
  }

  /**
   * Makes {@link #play} say goodbye and return before its next message; a message that the trainer
   * has not answered yet is waited for.
   */
  public void quit() {
    quitting = true;
  }

  /**
   * The state at the message that waits for the trainer's answer; while a step is being computed,
   * waits for it.
   *
   * @throws IllegalStateException before the trainer's first reset
   */
  public synchronized GridWorldState snapshot() {
    if (world == null) {
      throw new IllegalStateException(
          "gridworld: nothing to save before the trainer's first reset; reset the environment first");
    }
    List<GridAreaState> areas = new ArrayList<>();
    for (int i = 0; i < world.size(); i++) {
      areas.add(world.area(i).state());
    }
    return new GridWorldState(areas, world.parameters().all(), endings, timeScale);
  }

  private int exchange(Connection connection, PngEncoder png) {
    UnityMessageProto reply;
    try {
      reply = connection.exchange(PlayerMessages.hello(options.packageVersion()));
    } catch (StatusRuntimeException e) {
      log.error(
          "GridWorld could not connect to a trainer at {} ({}); start the trainer first and give its port",
          connection,
          e.getStatus().getCode());
      return alone(1);
    }
    if (stops(reply)) {
      return 0;
    }
    UnityRLInitializationInputProto trainer = reply.getUnityInput().getRlInitializationInput();
    if (!trainer.hasCapabilities()) {
      throw new IllegalArgumentException(
          "the trainer's first answer holds no capabilities, which API 1.5.0 asks for; this is no ML-Agents trainer, or an old one");
    }
    if (!compatible(PlayerMessages.API_VERSION, trainer.getCommunicationVersion())) {
      log.error(
          "GridWorld and the trainer speak different versions: API {} here, {} there (trainer {}); use a trainer of API 1.x",
          PlayerMessages.API_VERSION,
          trainer.getCommunicationVersion(),
          trainer.getPackageVersion());
      if (!options.lingers()) {
        farewell(connection); // Unity keeps silent here
      }
      return alone(1);
    }
    if (!trainer.getCapabilities().getBaseRLCapabilities()) {
      log.warn("The trainer {} lacks even the base capabilities", trainer.getPackageVersion());
    }
    log.info(
        "Connected to trainer {} (API {}), seed {}, {} agents",
        trainer.getPackageVersion(),
        trainer.getCommunicationVersion(),
        trainer.getSeed(),
        options.agents());
    try {
      reply = connection.exchange(PlayerMessages.ready());
      if (stops(reply)) {
        return options.lingers() ? alone(0) : 0;
      }
      begin(orders(reply), trainer.getSeed());
      BrainParametersProto brain =
          PlayerMessages.brain(trainer.getCapabilities().getHybridActions());
      return steps(connection, png, brain);
    } catch (StatusRuntimeException e) {
      return switch (e.getStatus().getCode()) {
        case UNAVAILABLE, CANCELLED -> {
          log.info("The trainer is gone ({}); GridWorld ends", e.getMessage());
          yield 0;
        }
        default -> {
          log.error("The exchange with the trainer failed ({}); GridWorld ends", e.getMessage());
          yield 1;
        }
      };
    }
  }

  private int steps(Connection connection, PngEncoder png, BrainParametersProto announced) {
    BrainParametersProto brain = announced;
    long due = System.nanoTime();
    while (true) {
      if (quitting) {
        farewell(connection);
        return 0;
      }
      UnityMessageProto reply = connection.exchange(report(png, brain));
      brain = null;
      if (stops(reply)) {
        return 0;
      }
      UnityRLInputProto orders = orders(reply);
      if (orders.getCommand() == CommandProto.QUIT) {
        log.info("The trainer asked to quit; GridWorld ends");
        farewell(connection);
        return 0;
      }
      step(orders);
      if (options.realtime()) {
        due = pace(due + (long) (STEP_SECONDS / timeScale * 1e9));
      }
    }
  }

  /** The forced reset of the first step, with the parameters that came with the trainer's. */
  private synchronized void begin(UnityRLInputProto orders, int seed) {
    if (!resumed) {
      world = new GridWorld(options, seed);
    }
    EnvironmentParameters parameters = world.parameters();
    sideChannels.read(
        orders.getSideChannel(),
        parameter -> {
          if (!(resumed && parameter.sameAs(parameters.held(parameter.name())))) {
            parameters.set(parameter);
          }
        },
        this::scaleTime);
    if (!resumed) {
      beginAll();
    }
  }

  private void beginAll() {
    for (int i = 0; i < world.size(); i++) {
      world.begin(i);
    }
  }

  /** Ended episodes first, then one decision per agent. Changes nothing. */
  private synchronized UnityMessageProto report(PngEncoder png, BrainParametersProto brain) {
    List<AgentInfoProto> infos = new ArrayList<>(endings.size() + world.size());
    for (Ending ending : endings) {
      GridAreaState last = ending.last();
      boolean masked = options.masks() && last.masksSeen();
      infos.add(
          observed(
              PlayerMessages.info(ending.agent(), last.reward(), masked, last.mask())
                  .setDone(true)
                  .setMaxStepReached(ending.interrupted()),
              last,
              png));
    }
    for (int id = 0; id < world.size(); id++) {
      GridAreaState now = world.area(id).state();
      int mask = world.area(id).forbidden();
      boolean masked = options.masks() && (now.masksSeen() || mask != 0);
      infos.add(observed(PlayerMessages.info(id, now.reward(), masked, mask), now, png));
    }
    return PlayerMessages.report(infos, brain);
  }

  private AgentInfoProto observed(AgentInfoProto.Builder info, GridAreaState area, PngEncoder png) {
    boolean channelsFirst = options.channelsFirst();
    byte[] picture = png.encode(GridWorldPicture.draw(area));
    return info.addObservations(PlayerMessages.picture(picture, channelsFirst))
        .addObservations(PlayerMessages.goal(area.goal(), channelsFirst))
        .build();
  }

  /** What follows an answer: side channels, then the command, then the agents, in order. */
  private synchronized void step(UnityRLInputProto orders) {
    endings = new ArrayList<>();
    for (int i = 0; i < world.size(); i++) {
      world.area(i).decided();
    }
    sideChannels.read(
        orders.getSideChannel(), parameter -> world.parameters().set(parameter), this::scaleTime);
    boolean reset = orders.getCommand() == CommandProto.RESET;
    int[] actions = reset ? new int[world.size()] : actions(orders);
    if (reset) {
      beginAll();
    }
    for (int i = 0; i < actions.length; i++) {
      GridArea area = world.area(i);
      boolean reached = area.act(actions[i]);
      if (reached || area.timedOut()) {
        endings.add(new Ending(i, area.state(), !reached));
        world.begin(i);
      }
    }
  }

  private int[] actions(UnityRLInputProto orders) {
    for (String behavior : orders.getAgentActionsMap().keySet()) {
      if (!behavior.equals(PlayerMessages.BEHAVIOR)) {
        throw new IllegalArgumentException(
            "the trainer sent actions for behavior '%s'; the only one here is '%s'"
                .formatted(behavior, PlayerMessages.BEHAVIOR));
      }
    }
    int[] actions = new int[world.size()];
    List<AgentActionProto> sent =
        orders
            .getAgentActionsOrDefault(
                PlayerMessages.BEHAVIOR,
                UnityRLInputProto.ListAgentActionProto.getDefaultInstance())
            .getValueList();
    if (sent.isEmpty()) {
      return actions;
    }
    if (sent.size() < actions.length) {
      throw new IllegalArgumentException(
          "the trainer sent %d actions for %d waiting agents of '%s'; send one for each, in the order of their reports, or none at all"
              .formatted(sent.size(), actions.length, PlayerMessages.BEHAVIOR));
    }
    for (int i = 0; i < actions.length; i++) {
      AgentActionProto action = sent.get(i);
      if (action.getDiscreteActionsCount() != 1) {
        throw new IllegalArgumentException(
            "action %d of '%s' has %d discrete branches, 1 is expected; send one number from 0 to %d in discrete_actions"
                .formatted(
                    i,
                    PlayerMessages.BEHAVIOR,
                    action.getDiscreteActionsCount(),
                    GridArea.ACTIONS - 1));
      }
      actions[i] = action.getDiscreteActions(0);
    }
    return actions;
  }

  private void scaleTime(float scale) {
    timeScale = scale >= 1 ? scale : 1; // NaN becomes 1, too
  }

  /** Waits until {@code due} and returns it; a step that came too late is not made up for. */
  private static long pace(long due) {
    long now = System.nanoTime();
    if (due - now <= 0) {
      return now;
    }
    while (due - System.nanoTime() > 0 && !Thread.currentThread().isInterrupted()) {
      LockSupport.parkNanos(due - System.nanoTime());
    }
    return due;
  }

  private static boolean stops(UnityMessageProto reply) {
    int status = reply.getHeader().getStatus();
    if (status == PlayerMessages.OK) {
      return false;
    }
    log.info("The trainer is done (status {}); GridWorld ends", status);
    return true;
  }

  private static UnityRLInputProto orders(UnityMessageProto reply) {
    if (!reply.getUnityInput().hasRlInput()) {
      throw new IllegalArgumentException(
          "the trainer's answer holds no rl_input; every answer after the first must");
    }
    return reply.getUnityInput().getRlInput();
  }

  /** Both sides' rule: equal majors, before 1.0 equal minors as well. */
  private static boolean compatible(String ours, String theirs) {
    String[] a = ours.split("\\.");
    String[] b = theirs.split("\\.");
    if (b.length != 3 || !a[0].equals(b[0])) {
      return false;
    }
    return !a[0].equals("0") || a[1].equals(b[1]);
  }

  /** Says goodbye; a trainer need not answer, so this waits only a moment. */
  static void farewell(Connection connection) {
    Thread speaker =
        new Thread(
            () -> {
              try {
                connection.exchange(PlayerMessages.goodbye());
              } catch (StatusRuntimeException e) {
                log.debug("goodbye was not answered: {}", e.getMessage());
              }
            },
            "gridworld-farewell");
    speaker.setDaemon(true);
    speaker.start();
    try {
      speaker.join(FAREWELL_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** A player without a trainer: ends, or lives on until it is told to quit. */
  private int alone(int exitCode) {
    if (options.lingers()) {
      log.info("GridWorld lives on without a trainer");
      while (!quitting && !Thread.currentThread().isInterrupted()) {
        LockSupport.parkNanos(20_000_000);
      }
    }
    return exitCode;
  }
}
