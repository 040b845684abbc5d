package bellman.unity;

import bellman.unity.communicator.Arrival;
import bellman.unity.communicator.TrainerServer;
import bellman.unity.player.Player;
import bellman.unity.process.PlayerFile;
import bellman.unity.process.PlayerProcess;
import bellman.unity.process.PlayerThread;
import bellman.unity.process.RunningPlayer;
import bellman.unity.proto.UnityMessageProto;
import bellman.unity.proto.UnityRLInitializationOutputProto;
import bellman.unity.recording.Recorder;
import bellman.unity.sidechannel.SideChannel;
import bellman.unity.sidechannel.SideChannels;
import java.io.File;
import java.io.IOException;
import java.net.BindException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.IntConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A player and its agents, as a trainer sees them.
 *
 * <pre>{@code
 * try (var env = UnityEnvironment.executable("build/GridWorld").seed(7).open()) {
 *   env.reset();
 *   String behavior = env.behaviorSpecs().keySet().iterator().next();
 *   for (int i = 0; i < 1000; i++) {
 *     DecisionSteps waiting = env.steps(behavior).decisions();
 *     env.setActions(behavior, waiting.spec().actions().random(rng, waiting.size()));
 *     env.step();
 *   }
 * }
 * }</pre>
 *
 * <p>One step is one message of the player and one answer, in lock-step; between two calls the
 * player stands still and waits. For one thread. After a {@link UnityException} from reset or step
 * only {@link #close} is of use; every other exchange throws that failure again.
 */
public final class UnityEnvironment implements AutoCloseable {
  /** Where the Unity Editor looks for a trainer. */
  public static final int EDITOR_PORT = 5004;

  /** The first port tried for a player that this trainer starts; the worker id is added. */
  public static final int BASE_PORT = 5005;

  private static final Logger LOG = LoggerFactory.getLogger(UnityEnvironment.class);

  /** How many ports are tried upwards when none was asked for. */
  private static final int PORTS_TO_TRY = 100;

  /** A player that would not end by itself, or that nobody asked to, is given this long. */
  private static final Duration SHORT_GRACE = Duration.ofSeconds(2);

  /**
   * How long the exit code may lag behind the broken connection, as where a player disconnects
   * before it ends. One that is killed is noticed at once.
   */
  private static final long EXIT_LAG_MS = 2000;

  private enum Kind {
    EXECUTABLE,
    EMBEDDED,
    EDITOR,
    LISTEN
  }

  private final Kind kind;
  private final Duration timeout;
  private final SideChannels sideChannels;
  private final TrainerServer server;
  private final Recorder recorder;
  private final RunningPlayer player;

  private final Map<String, ActionTuple> actions = new LinkedHashMap<>();
  private Behaviors behaviors = new Behaviors("", false);
  private String packageVersion = "";
  private Capabilities playerCapabilities;
  private boolean connected;
  private boolean wasReset;
  private boolean closed;
  private UnityException failure;

  /** How to open an environment. Every setting has a default. */
  public static final class Builder {
    private final Kind kind;
    private final Path file;
    private final Player player;
    private final int fixedPort;
    private int workerId;
    private Integer basePort;
    private int seed;
    private int areas = 1;
    private boolean noGraphics;
    private boolean noGraphicsMonitor;
    private Capabilities capabilities = Capabilities.ALL;
    private boolean allInterfaces;
    private Duration timeout = Duration.ofSeconds(60);
    private final List<String> arguments = new ArrayList<>();
    private final List<SideChannel> sideChannels = new ArrayList<>();
    private Path logFolder;
    private Path recording;
    private IntConsumer onListening = port -> {};

    private Builder(Kind kind, Path file, Player player, int fixedPort) {
      this.kind = kind;
      this.file = file;
      this.player = player;
      this.fixedPort = fixedPort;
    }

    /** Which of several players of one training this is: added to the port and to log names. */
    public Builder workerId(int id) {
      if (id < 0) {
        throw new IllegalArgumentException("worker id " + id + " must not be negative");
      }
      this.workerId = id;
      return this;
    }

    /**
     * For an executable: use exactly this port (plus the worker id), or, for 0, any free one.
     * Without this call ports from 5005 (plus the worker id) upwards are tried.
     */
    public Builder basePort(int port) {
      checkPort(port);
      this.basePort = port;
      return this;
    }

    /** Seeds Unity's random numbers. Default 0. */
    public Builder seed(int seed) {
      this.seed = seed;
      return this;
    }

    /** How many training areas a scene with an area replicator shall hold. Default 1. */
    public Builder areas(int count) {
      this.areas = count;
      return this;
    }

    /** Run an executable without a window; its cameras then see nothing. */
    public Builder noGraphics(boolean on) {
      this.noGraphics = on;
      return this;
    }

    /**
     * As {@link #noGraphics}, but worker 0 keeps its window, so that one of several players can be
     * watched.
     */
    public Builder noGraphicsMonitor(boolean on) {
      this.noGraphicsMonitor = on;
      return this;
    }

    /** What to tell the player that this trainer can do. Default {@link Capabilities#ALL}. */
    public Builder capabilities(Capabilities ours) {
      this.capabilities = Objects.requireNonNull(ours);
      return this;
    }

    /**
     * Accept a player from another machine. There is no authentication: anybody who reaches the
     * port can be the player. Default off: this machine only.
     */
    public Builder allInterfaces(boolean on) {
      this.allInterfaces = on;
      return this;
    }

    /** How long to wait for the player at each stage, and for its end. Default 60 s. */
    public Builder timeoutWait(Duration timeout) {
      if (timeout.isNegative() || timeout.isZero()) {
        throw new IllegalArgumentException("timeoutWait " + timeout + " must be positive");
      }
      this.timeout = timeout;
      return this;
    }

    /** More arguments for an executable. */
    public Builder arguments(String... more) {
      arguments.addAll(List.of(more));
      return this;
    }

    /** More side channels. */
    public Builder sideChannels(SideChannel... more) {
      sideChannels.addAll(List.of(more));
      return this;
    }

    /**
     * Where an executable's logs go: {@code Player-<worker>.log}, which Unity writes, and {@code
     * Player-<worker>.out.log}, its output. Without it only the output is kept, in a temporary
     * file.
     */
    public Builder logFolder(Path folder) {
      this.logFolder = folder;
      return this;
    }

    /**
     * Writes all that is said to a file (see {@link bellman.unity.recording}); an old one of that
     * name is lost.
     */
    public Builder record(Path file) {
      this.recording = file;
      return this;
    }

    /** Is told the port once it is open, before waiting for the player. */
    public Builder onListening(IntConsumer action) {
      this.onListening = Objects.requireNonNull(action);
      return this;
    }

    private boolean windowless() {
      return noGraphics || noGraphicsMonitor && workerId > 0;
    }

    private boolean headless() {
      return windowless() || arguments.stream().anyMatch("-nographics"::equalsIgnoreCase);
    }

    /**
     * Starts the player, waits until it has connected and loaded its scene.
     *
     * @throws UnityException or a subclass: {@link PlayerNotFoundException}, {@link
     *     PortInUseException}, {@link UnityTimeoutException}, {@link PlayerDiedException}, {@link
     *     PlayerLeftException}, {@link VersionMismatchException}
     */
    public UnityEnvironment open() {
      return new UnityEnvironment(this);
    }
  }

  /** A Unity build: the path of its file, with or without its ending. */
  public static Builder executable(String file) {
    return executable(Path.of(file));
  }

  /** A Unity build: the path of its file, with or without its ending. */
  public static Builder executable(Path file) {
    return new Builder(Kind.EXECUTABLE, file, null, 0);
  }

  /** A player on a thread of this JVM; no port is opened. */
  public static Builder embedded(Player player) {
    return new Builder(Kind.EMBEDDED, null, Objects.requireNonNull(player), 0);
  }

  /** The Unity Editor, on port 5004: open, then press Play. */
  public static Builder editor() {
    return new Builder(Kind.EDITOR, null, null, EDITOR_PORT);
  }

  /**
   * A player that somebody else starts, with {@code --mlagents-port}.
   *
   * @param port 1 to 65535, or 0 for any free one, which {@link Builder#onListening} tells
   */
  public static Builder listen(int port) {
    checkPort(port);
    return new Builder(Kind.LISTEN, null, null, port);
  }

  private static void checkPort(int port) {
    if (port < 0 || port > 65535) {
      throw new IllegalArgumentException("port " + port + " must be 1 to 65535, or 0 for any");
    }
  }

  private UnityEnvironment(Builder b) {
    this.kind = b.kind;
    this.timeout = b.timeout;
    this.sideChannels = new SideChannels(b.sideChannels);
    if (kind == Kind.EDITOR && b.workerId != 0) {
      throw new IllegalArgumentException(
          "worker id " + b.workerId + ": there is one Unity Editor, so its worker id must be 0");
    }
    Path executable = kind == Kind.EXECUTABLE ? find(b.file) : null;
    this.server = serve(b);
    RunningPlayer started = null;
    Recorder recording = null;
    try {
      recording = b.recording == null ? null : recorder(b.recording);
      server.record(recording);
      if (kind != Kind.EMBEDDED) {
        b.onListening.accept(server.port());
      }
      started = start(b, executable);
    } finally {
      if (started == null) {
        server.close();
        close(recording);
      }
    }
    this.recorder = recording;
    this.player = started;
    player.onExit().thenRun(server::playerExited);
    try {
      connect(b);
    } catch (RuntimeException e) {
      try {
        close();
      } catch (RuntimeException e2) {
        e.addSuppressed(e2);
      }
      throw e;
    }
  }

  private static Recorder recorder(Path file) {
    try {
      return new Recorder(file);
    } catch (IOException e) {
      throw new UnityException(
          "the recording " + file + " cannot be written (" + e + "); record to another file", e);
    }
  }

  private static Path find(Path file) {
    try {
      return PlayerFile.find(file, PlayerFile.System.here());
    } catch (FileSystemException e) {
      throw new PlayerNotFoundException(e.getMessage(), e);
    } catch (IOException e) {
      throw new PlayerNotFoundException("player " + file + " cannot be looked for: " + e, e);
    }
  }

  private static TrainerServer serve(Builder b) {
    try {
      if (b.kind == Kind.EMBEDDED) {
        return TrainerServer.inProcess();
      }
      boolean scan = b.kind == Kind.EXECUTABLE && b.basePort == null;
      int port = b.fixedPort;
      if (b.kind == Kind.EXECUTABLE) {
        int base = scan ? BASE_PORT : b.basePort;
        port = base == 0 ? 0 : base + b.workerId;
      }
      for (int last = scan ? port + PORTS_TO_TRY - 1 : port; ; port++) {
        try {
          return TrainerServer.tcp(port, b.allInterfaces);
        } catch (BindException e) {
          if (port == last) {
            throw new PortInUseException(inUse(b, scan, port), e);
          }
        }
      }
    } catch (IOException e) {
      throw new UnityException("the trainer cannot listen for its player: " + e.getMessage(), e);
    }
  }

  private static String inUse(Builder b, boolean scan, int port) {
    String remedy =
        switch (b.kind) {
          case EDITOR ->
              "close the other training, or give one of the two another port: listen on it here and set it"
                  + " in Project Settings > ML-Agents > Editor Port in Unity";
          case LISTEN -> "close the other training, or listen on another port";
          default ->
              "close the other training or a player left over from it, use another base port or"
                  + " worker id, or name none: then free ports are looked for";
        };
    String ports =
        scan
            ? "the ports " + (port - PORTS_TO_TRY + 1) + " to " + port + " are all in use"
            : "port "
                + port
                + " is in use"
                + (b.kind == Kind.EXECUTABLE
                    ? " (base port " + (port - b.workerId) + " + worker id " + b.workerId + ")"
                    : "");
    return ports + ". Remedy: " + remedy + ".";
  }

  private RunningPlayer start(Builder b, Path executable) {
    switch (kind) {
      case EMBEDDED -> {
        return PlayerThread.start(b.player, server.connect());
      }
      case EDITOR -> {
        LOG.info(
            "Listening on port {}. Start training by pressing the Play button in the Unity Editor.",
            server.port());
        return RunningPlayer.startedElsewhere("the Unity Editor");
      }
      case LISTEN -> {
        LOG.info(
            "Listening on port {}. Start the player with --mlagents-port {}.",
            server.port(),
            server.port());
        return RunningPlayer.startedElsewhere("the player");
      }
      default -> {
        return launch(b, executable);
      }
    }
  }

  private RunningPlayer launch(Builder b, Path executable) {
    List<String> command = new ArrayList<>();
    // A name without a folder would be looked up on the PATH.
    command.add(
        executable.getParent() == null ? "." + File.separator + executable : executable.toString());
    if (b.windowless()) {
      command.addAll(List.of("-nographics", "-batchmode"));
    }
    command.addAll(List.of("--mlagents-port", Integer.toString(server.port())));
    Path log = null;
    Path output = null;
    try {
      if (b.logFolder != null) {
        Files.createDirectories(b.logFolder);
        output = b.logFolder.resolve("Player-" + b.workerId + ".out.log");
        if (b.arguments.stream().noneMatch("-logFile"::equalsIgnoreCase)) {
          log = b.logFolder.resolve("Player-" + b.workerId + ".log");
          command.addAll(List.of("-logFile", log.toString()));
        }
      }
      command.addAll(b.arguments);
      return PlayerProcess.start(command, log, output);
    } catch (IOException e) {
      throw new PlayerNotFoundException(
          executable
              + ": the player cannot be started: "
              + e.getMessage()
              + ". Remedy: check that it was built for this system.",
          e);
    }
  }

  private void connect(Builder b) {
    UnityMessageProto first = await(UnityTimeoutException.Stage.CONNECT);
    connected = true;
    if (!first.getUnityOutput().hasRlInitializationOutput()) {
      throw fail(
          new UnityException(
              "the player's first message holds no rl_initialization_output. Remedy: a player must"
                  + " be started afresh for each trainer; start this one again."));
    }
    UnityRLInitializationOutputProto hello = first.getUnityOutput().getRlInitializationOutput();
    packageVersion = hello.getPackageVersion();
    behaviors = new Behaviors(packageVersion, b.headless());
    String theirs = hello.getCommunicationVersion();
    Version ours = Version.parse(Replies.COMMUNICATOR_VERSION).orElseThrow();
    if (!Version.parse(theirs).map(ours::compatible).orElse(false)) {
      throw fail(
          new VersionMismatchException(
              "communicator versions do not fit: the player (package "
                  + packageVersion
                  + ") speaks "
                  + theirs
                  + ", this trainer "
                  + Replies.COMMUNICATOR_VERSION
                  + ". Remedy: use a com.unity.ml-agents package that speaks 1.x; all from 1.0 to"
                  + " 4.0 do.",
              null));
    }
    playerCapabilities = Capabilities.of(hello.getCapabilities());
    if (!playerCapabilities.base()) {
      LOG.warn(
          "The player (package {}) names no base capabilities; it may be too old for this trainer.",
          packageVersion);
    }
    LOG.info(
        "Connected to {} with package version {} and communication version {}",
        player.name(),
        packageVersion,
        theirs);
    reply(Replies.welcome(b.seed, b.areas, b.capabilities));
    await(UnityTimeoutException.Stage.SCENE);
    player.rememberChildren();
  }

  /** The port the player calls; empty for an embedded one. */
  public OptionalInt port() {
    return kind == Kind.EMBEDDED ? OptionalInt.empty() : OptionalInt.of(server.port());
  }

  /** The version of the player's ML-Agents package, such as {@code 3.0.0}. */
  public String packageVersion() {
    return packageVersion;
  }

  /** What the player says that it can do. */
  public Capabilities playerCapabilities() {
    return playerCapabilities;
  }

  /**
   * The behaviors seen so far, in the order they appeared; empty before {@link #reset}. A snapshot:
   * new ones may appear with any step.
   */
  public Map<String, BehaviorSpec> behaviorSpecs() {
    return Collections.unmodifiableMap(new LinkedHashMap<>(behaviors.specs()));
  }

  /**
   * Begins a new episode for all agents and waits until some of them ask for a decision (or end).
   * No terminal steps are reported for the episodes cut off by it.
   *
   * @throws UnityException or a subclass when the player does not answer as it should
   */
  public void reset() {
    checkUsable();
    exchange(Replies.reset(sideChannels.drain()));
    wasReset = true;
  }

  /**
   * Lets the player go on with the actions set, zeros for behaviors without, and waits for its next
   * message. The first step is a {@link #reset}.
   *
   * @throws UnityException or a subclass when the player does not answer as it should
   */
  public void step() {
    if (!wasReset) {
      reset();
      return;
    }
    checkUsable();
    Map<String, ActionTuple> all = new LinkedHashMap<>();
    for (BehaviorSpec spec : behaviors.specs().values()) {
      int waiting = steps(spec.name()).decisions().size();
      if (waiting > 0) {
        ActionTuple chosen = actions.get(spec.name());
        all.put(spec.name(), chosen != null ? chosen : spec.actions().empty(waiting));
      }
    }
    exchange(Replies.step(all, sideChannels.drain()));
  }

  private void exchange(UnityMessageProto reply) {
    reply(reply);
    UnityMessageProto message =
        await(
            behaviors.anyDecision()
                ? UnityTimeoutException.Stage.STEP
                : UnityTimeoutException.Stage.FIRST_DECISION);
    actions.clear();
    try {
      behaviors.understand(message.getUnityOutput());
      sideChannels.deliver(
          message.getUnityOutput().getRlOutput().getSideChannel().asReadOnlyByteBuffer());
    } catch (UnityException e) {
      throw fail(e);
    } catch (IllegalArgumentException e) {
      throw fail(new UnityException("the player's message makes no sense: " + e.getMessage(), e));
    }
  }

  /**
   * What the last reset or step brought for a behavior.
   *
   * @throws IllegalArgumentException when there is no such behavior
   */
  public Steps steps(String behavior) {
    Steps now = behaviors.steps(behavior);
    if (now == null) {
      throw new IllegalArgumentException(
          "no behavior \""
              + behavior
              + "\"; known are "
              + behaviors.specs().keySet()
              + (wasReset ? "" : ": call reset() first"));
    }
    return now;
  }

  /**
   * Chooses for all waiting agents of a behavior: one row per agent of its decision steps, in their
   * order. The values are copied.
   *
   * @throws IllegalArgumentException when there is no such behavior or the actions do not fit it
   */
  public void setActions(String behavior, ActionTuple chosen) {
    int waiting = steps(behavior).decisions().size();
    behaviors.specs().get(behavior).actions().check(behavior, chosen, waiting);
    actions.put(behavior, chosen.copy());
  }

  /**
   * Chooses for one waiting agent; the others keep what was set for them, zeros by default.
   *
   * @param chosen one row
   * @throws IllegalArgumentException when there is no such behavior, the agent does not wait, or
   *     the actions do not fit
   */
  public void setActionForAgent(String behavior, int agentId, ActionTuple chosen) {
    DecisionSteps waiting = steps(behavior).decisions();
    ActionSpec spec = behaviors.specs().get(behavior).actions();
    int row = waiting.indexOf(agentId);
    spec.check(behavior, chosen, 1);
    ActionTuple one = chosen.copy();
    ActionTuple all = actions.computeIfAbsent(behavior, name -> spec.empty(waiting.size()));
    all.continuous()[row] = one.continuous()[0];
    all.discrete()[row] = one.discrete()[0];
  }

  private void checkUsable() {
    if (closed) {
      throw new IllegalStateException("the environment is closed; open a new one");
    }
    if (failure != null) {
      throw failure;
    }
  }

  private void reply(UnityMessageProto message) {
    // Without an open request the player has left; the wait that follows says how.
    if (!server.reply(message)) {
      LOG.debug("nobody waits for this reply");
    }
  }

  private UnityMessageProto await(UnityTimeoutException.Stage stage) {
    long begin = System.nanoTime();
    Arrival arrival;
    try {
      arrival = server.await(timeout);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw fail(new UnityException("interrupted while waiting for the player", e));
    }
    Duration waited = Duration.ofNanos(System.nanoTime() - begin);
    if (arrival instanceof Arrival.Request request) {
      return request.message();
    }
    if (arrival instanceof Arrival.TimedOut) {
      throw fail(new UnityTimeoutException(late(stage) + tail(), stage, waited));
    }
    if (arrival instanceof Arrival.Quit) {
      throw fail(
          new PlayerLeftException(
              player.name()
                  + " ended the exchange by itself (status 400) "
                  + during(stage)
                  + ". Remedy: nothing, if its window was closed or the Editor stopped playing."
                  + tail(),
              true));
    }
    if (arrival instanceof Arrival.Unreadable unreadable) {
      throw fail(
          new UnityException(
              "a message of "
                  + player.name()
                  + " could not be read "
                  + during(stage)
                  + " ("
                  + unreadable.why()
                  + "). Remedy: a player must speak the protocol of the ML-Agents packages 1.x to"
                  + " 4.x, in messages of at most 256 MiB."
                  + tail()));
    }
    RunningPlayer.Exit exit = exit();
    if (exit != null && exit.wasToldTo()) {
      throw fail(
          new PlayerLeftException(
              player.name()
                  + " was stopped with "
                  + exit
                  + " "
                  + during(stage)
                  + ". Remedy: nothing, if that was meant; Ctrl-C in a terminal reaches the player"
                  + " too.",
              true));
    }
    if (exit != null) {
      throw fail(
          new PlayerDiedException(
              player.name()
                  + " ended with "
                  + exit
                  + " "
                  + during(stage)
                  + ". Remedy: "
                  + afterDeath(exit)
                  + "."
                  + tail(),
              exit.code(),
              exit.cause()));
    }
    throw fail(
        new PlayerLeftException(
            "the connection to "
                + player.name()
                + " broke "
                + during(stage)
                + ". Remedy: it crashed or was closed; see its own log."
                + tail(),
            false));
  }

  private String afterDeath(RunningPlayer.Exit exit) {
    if (kind == Kind.EMBEDDED) {
      return exit.cause() != null
          ? "see the cause of this exception"
          : "a player must play until it is answered with status 400";
    }
    return player.logTail().isEmpty()
        ? "it wrote nothing; start it by hand with --mlagents-port to see why"
        : "see the last lines of its log";
  }

  /** How the player ended; null if it did not, or if nobody here can know. */
  private RunningPlayer.Exit exit() {
    boolean ours = kind == Kind.EXECUTABLE || kind == Kind.EMBEDDED;
    try {
      return ours ? player.onExit().get(EXIT_LAG_MS, TimeUnit.MILLISECONDS) : null;
    } catch (TimeoutException | ExecutionException e) {
      return null;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return null;
    }
  }

  private String during(UnityTimeoutException.Stage stage) {
    return switch (stage) {
      case CONNECT -> "before it connected to " + server.address();
      case SCENE -> "after it connected, before its second message";
      case FIRST_DECISION -> "after the reset, before any agent asked for a decision";
      case STEP -> "during a step";
    };
  }

  private String late(UnityTimeoutException.Stage stage) {
    String limit = seconds(timeout);
    return switch (stage) {
      case CONNECT ->
          (server.connected()
                  ? "somebody connected to " + server.address() + " but sent no message within "
                  : "nobody connected to " + server.address() + " within ")
              + limit
              + ". Remedy: "
              + switch (kind) {
                case EDITOR ->
                    "press Play in the Unity Editor; its Project Settings > ML-Agents must say"
                        + " Connect Trainer and Editor Port "
                        + server.port();
                case LISTEN -> "start the player with --mlagents-port " + server.port();
                case EMBEDDED -> "the player must call exchange on its connection";
                case EXECUTABLE ->
                    player.name()
                        + " is running: check that its scene holds an agent of behavior type"
                        + " Default, and raise timeoutWait (--timeout-wait) if it starts slowly";
              }
              + ".";
      case SCENE ->
          player.name()
              + " connected (package "
              + packageVersion
              + ") but sent no second message within "
              + limit
              + ". Remedy: raise timeoutWait (--timeout-wait) if its scene loads slowly; else look for an exception"
              + " at its start.";
      case FIRST_DECISION ->
          player.name()
              + " is connected but no agent asked for a decision within "
              + limit
              + " after the reset. Remedy: give an active agent a Decision Requester, or call"
              + " RequestDecision, and set its behavior type to Default.";
      case STEP ->
          player.name()
              + " did not finish a step within "
              + limit
              + ". Remedy: raise timeoutWait (--timeout-wait) if a step can take that long; else look whether it is"
              + " paused or hangs.";
    };
  }

  private String tail() {
    String tail = player.logTail();
    return tail.isEmpty() ? "" : "\n" + tail.stripTrailing() + LogHints.of(tail);
  }

  static String seconds(Duration d) {
    long ms = d.toMillis();
    return ms % 1000 == 0 ? ms / 1000 + " s" : ms / 1000.0 + " s";
  }

  private <E extends UnityException> E fail(E e) {
    failure = e;
    return e;
  }

  /**
   * Tells the player to end, waits for that at most as long as for a step, then ends it and all it
   * started. May be called twice; never fails because the player is already gone.
   */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    server.stop();
    player.stop(grace());
    server.close();
    close(recorder);
  }

  private static void close(Recorder recorder) {
    if (recorder != null) {
      recorder.close();
    }
  }

  private Duration grace() {
    if (!connected) {
      return Duration.ZERO;
    }
    // Before its first reset Unity does not obey, and a player that was late once may hang.
    boolean obeys = wasReset && !(failure instanceof UnityTimeoutException);
    return obeys || timeout.compareTo(SHORT_GRACE) < 0 ? timeout : SHORT_GRACE;
  }
}
