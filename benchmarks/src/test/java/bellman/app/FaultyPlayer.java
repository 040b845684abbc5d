package bellman.app;

import bellman.unity.player.GrpcConnection;
import bellman.unity.proto.ActionSpecProto;
import bellman.unity.proto.AgentInfoProto;
import bellman.unity.proto.BrainParametersProto;
import bellman.unity.proto.CommandProto;
import bellman.unity.proto.HeaderProto;
import bellman.unity.proto.ObservationProto;
import bellman.unity.proto.UnityMessageProto;
import bellman.unity.proto.UnityOutputProto;
import bellman.unity.proto.UnityRLCapabilitiesProto;
import bellman.unity.proto.UnityRLInitializationOutputProto;
import bellman.unity.proto.UnityRLOutputProto;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;

/**
 * A player as a process: one agent that sees four numbers and has three actions, in episodes of ten
 * steps. Its first argument says how it fails, after how many steps is {@link #STEPS}.
 */
final class FaultyPlayer {
  /** What it does. */
  enum Mode {
    /** Plays well. */
    PLAYS,
    /** Plays, but stops before its {@link #STEPS}th step until a file named "gate" appears. */
    WAITS,
    /** Connects, loads its scene and then hangs. */
    HANGS,
    /** Goes on without any agent. */
    EMPTY,
    /** Its agent ends at once and never asks for a decision. */
    NEVER_ASKS,
    /** Exits with 7. */
    DIES,
    /** The reward is NaN. */
    NAN_REWARD,
    /** The third number of the observation is NaN. */
    NAN_OBSERVATION,
    /** Shows a picture of 16 × 16 pixels. */
    SMALL_PICTURE
  }

  static final int STEPS = 150;
  private static final int SIZE = 4;
  private static final String BEHAVIOR = "Ball?team=0";

  private final Mode mode;
  private int step;

  private FaultyPlayer(Mode mode) {
    this.mode = mode;
  }

  /** Writes an executable that {@code --env} can start; returns its name. */
  static String install(Path folder, Mode mode) throws IOException {
    List<String> command = command(mode);
    String line = String.join(" ", command.stream().map(word -> "'" + word + "'").toList());
    return script(folder, mode.name().toLowerCase() + ".x86_64", "exec " + line + " \"$@\"");
  }

  /** Writes a shell script that can be executed. */
  static String script(Path folder, String name, String text) throws IOException {
    Path file = Files.writeString(folder.resolve(name), "#!/bin/sh\n" + text + "\n");
    if (!file.toFile().setExecutable(true)) {
      throw new IOException(file + " cannot be made executable");
    }
    return name;
  }

  static List<String> command(Mode mode) {
    Path module = Bellman.HOME.resolve("benchmarks/target");
    return List.of(
        Bellman.JAVA.toString(),
        Bellman.JAVA_OPTIONS,
        "-XX:+UseSerialGC",
        "-cp",
        module.resolve("test-classes") + ":" + module.resolve("app") + "/*",
        FaultyPlayer.class.getName(),
        mode.name());
  }

  public static void main(String[] arguments) throws Exception {
    List<String> all = List.of(arguments);
    int port = Integer.parseInt(all.get(all.indexOf("--mlagents-port") + 1));
    System.out.println("player " + ProcessHandle.current().pid());
    int code = 0;
    try (GrpcConnection trainer = GrpcConnection.tcp(port)) {
      new FaultyPlayer(Mode.valueOf(all.get(0))).play(trainer);
    } catch (StatusRuntimeException e) {
      System.out.println("refused: " + e.getStatus().getDescription());
      code = 3;
    }
    System.exit(code);
  }

  private void play(GrpcConnection trainer) throws Exception {
    UnityMessageProto answer = trainer.exchange(hello());
    answer = trainer.exchange(ok().build());
    boolean described = false;
    while (answer.getHeader().getStatus() == 200) {
      if (answer.getUnityInput().getRlInput().getCommand() != CommandProto.RESET) {
        step++;
      }
      fail();
      UnityOutputProto.Builder output = UnityOutputProto.newBuilder();
      if (mode != Mode.EMPTY) {
        output.setRlOutput(report());
      }
      if (!described) {
        output.setRlInitializationOutput(
            UnityRLInitializationOutputProto.newBuilder().addBrainParameters(brain()));
        described = true;
      }
      answer = trainer.exchange(ok().setUnityOutput(output).build());
    }
  }

  private void fail() throws Exception {
    if (mode == Mode.HANGS) {
      Thread.sleep(60_000);
    }
    if (step != STEPS) {
      return;
    }
    if (mode == Mode.DIES) {
      System.err.println("NullReferenceException: the ball is gone");
      System.err.flush();
      Runtime.getRuntime().halt(7);
    }
    if (mode == Mode.WAITS) {
      System.out.println("at the gate");
      for (int i = 0; i < 3000 && !Files.exists(Path.of("gate")); i++) {
        Thread.sleep(20);
      }
    }
  }

  private UnityRLOutputProto report() {
    var agents = UnityRLOutputProto.ListAgentInfoProto.newBuilder();
    boolean never = mode == Mode.NEVER_ASKS;
    if (never || step % 10 == 0 && step > 0) {
      agents.addValue(agent(step / 10 - 1).setDone(true));
    }
    if (!never) {
      agents.addValue(agent(step / 10));
    }
    return UnityRLOutputProto.newBuilder().putAgentInfos(BEHAVIOR, agents.build()).build();
  }

  private AgentInfoProto.Builder agent(int episode) {
    boolean now = step >= STEPS;
    float reward = now && mode == Mode.NAN_REWARD ? Float.NaN : 0.1f;
    return AgentInfoProto.newBuilder()
        .setId(episode)
        .setReward(reward)
        .addObservations(mode == Mode.SMALL_PICTURE ? picture() : vector(now));
  }

  private ObservationProto vector(boolean now) {
    boolean bad = now && mode == Mode.NAN_OBSERVATION;
    return ObservationProto.newBuilder()
        .setName("VectorSensor")
        .addShape(SIZE)
        .addDimensionProperties(1)
        .setFloatData(
            ObservationProto.FloatData.newBuilder()
                .addAllData(List.of(step % 10 / 10f, 1f, bad ? Float.NaN : 0.5f, -1f)))
        .build();
  }

  private static ObservationProto picture() {
    return ObservationProto.newBuilder()
        .setName("CameraSensor")
        .addAllShape(List.of(3, 16, 16))
        .addAllDimensionProperties(List.of(1, 2, 2))
        .setFloatData(
            ObservationProto.FloatData.newBuilder()
                .addAllData(Collections.nCopies(3 * 16 * 16, 0.5f)))
        .build();
  }

  private static BrainParametersProto brain() {
    return BrainParametersProto.newBuilder()
        .setBrainName(BEHAVIOR)
        .setIsTraining(true)
        .setActionSpec(
            ActionSpecProto.newBuilder().setNumDiscreteActions(1).addDiscreteBranchSizes(3))
        .build();
  }

  private static UnityMessageProto hello() {
    return ok().setUnityOutput(
            UnityOutputProto.newBuilder()
                .setRlInitializationOutput(
                    UnityRLInitializationOutputProto.newBuilder()
                        .setName("AcademySingleton")
                        .setCommunicationVersion("1.5.0")
                        .setPackageVersion("3.0.0")
                        .setCapabilities(
                            UnityRLCapabilitiesProto.newBuilder().setBaseRLCapabilities(true))))
        .build();
  }

  private static UnityMessageProto.Builder ok() {
    return UnityMessageProto.newBuilder().setHeader(HeaderProto.newBuilder().setStatus(200));
  }
}
