package bellman.benchmarks;

import bellman.unity.ActionTuple;
import bellman.unity.ObservationBatch;
import bellman.unity.Steps;
import bellman.unity.UnityEnvironment;
import bellman.unity.player.Connection;
import bellman.unity.player.GrpcConnection;
import bellman.unity.process.PlayerThread;
import bellman.unity.proto.UnityMessageProto;
import bellman.unity.proto.UnityToExternalProtoGrpc;
import io.grpc.Server;
import io.grpc.ServerBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One step of a player with its agents, beside a bare gRPC echo of the same two messages in the
 * same JVM. A step is: the player encodes what its agents see and sends it, the trainer reads all
 * of it into one buffer and answers with an action each. Player and trainer are two threads.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 10, time = 1)
@Fork(2)
public class BridgeBenchmark implements Measured {
  @Param({"tcp", "in-process"})
  @Values(quick = "tcp")
  public String transport;

  @Param({"1", "9", "64"})
  @Values(quick = "9")
  public int agents;

  /** png and float: a picture of 64 × 84 × 3; vector: 100 numbers. */
  @Param({"png", "float", "vector"})
  @Values(quick = "png")
  public String observation;

  private BridgePlayer player;
  private UnityEnvironment env;
  private ActionTuple actions;
  private ByteBuffer pixels;
  private float[] values;
  private Server echoServer;
  private GrpcConnection echoClient;
  private UnityMessageProto request;

  @Override
  public Work work(String method) {
    return method.equals("step") ? Work.items(agents, "agents") : Work.items(1, "calls");
  }

  @Setup(Level.Trial)
  public void setUp() throws IOException {
    BridgePlayer.Sees sees = BridgePlayer.Sees.valueOf(observation.toUpperCase());
    player = new BridgePlayer(agents, sees);
    boolean tcp = transport.equals("tcp");
    if (!tcp && !transport.equals("in-process")) {
      throw new IllegalStateException("benchmark: transport=" + transport + " is unknown");
    }
    env =
        (tcp
                ? UnityEnvironment.listen(0)
                    .onListening(port -> PlayerThread.start(player, GrpcConnection.tcp(port)))
                : UnityEnvironment.embedded(player))
            .timeoutWait(Duration.ofSeconds(30))
            .open();
    env.reset();
    int[] chosen = new int[agents];
    Arrays.fill(chosen, 2);
    actions = ActionTuple.oneBranch(chosen);
    pixels = ByteBuffer.allocateDirect(agents * BridgePlayer.SIZE);
    values = new float[agents * (sees == BridgePlayer.Sees.VECTOR ? 100 : BridgePlayer.SIZE)];
    step();
    check(sees);
    openEcho(tcp);
  }

  /** What arrived must be what was shown. */
  private void check(BridgePlayer.Sees sees) {
    if (env.steps(BridgePlayer.BEHAVIOR).decisions().size() != agents) {
      throw new IllegalStateException("benchmark: not all of " + agents + " agents wait");
    }
    int size = sees == BridgePlayer.Sees.VECTOR ? 100 : BridgePlayer.SIZE;
    for (int i = 0; i < agents * size; i++) {
      float seen = sees == BridgePlayer.Sees.PNG ? (pixels.get(i) & 0xFF) / 255f : values[i];
      if (seen != player.shown(i % size)) {
        throw new IllegalStateException(
            "benchmark: number %d is %s, %s was shown".formatted(i, seen, player.shown(i % size)));
      }
    }
  }

  private void openEcho(boolean tcp) throws IOException {
    request = player.report();
    UnityMessageProto reply = player.answer();
    String name = "echo-" + System.identityHashCode(this);
    ServerBuilder<?> builder =
        tcp
            ? NettyServerBuilder.forAddress(
                    new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .maxInboundMessageSize(256 << 20)
            : InProcessServerBuilder.forName(name);
    echoServer =
        builder
            .addService(
                new UnityToExternalProtoGrpc.UnityToExternalProtoImplBase() {
                  @Override
                  public void exchange(
                      UnityMessageProto message, StreamObserver<UnityMessageProto> answer) {
                    answer.onNext(reply);
                    answer.onCompleted();
                  }
                })
            .build()
            .start();
    echoClient = tcp ? GrpcConnection.tcp(echoServer.getPort()) : GrpcConnection.inProcess(name);
  }

  /** Trainer and player, there and back. */
  @Benchmark
  public Steps step() {
    env.setActions(BridgePlayer.BEHAVIOR, actions);
    env.step();
    Steps steps = env.steps(BridgePlayer.BEHAVIOR);
    ObservationBatch batch = steps.decisions().observation(0);
    if (observation.equals("png")) {
      batch.pixels(pixels.clear());
    } else {
      batch.values(values, 0);
    }
    return steps;
  }

  /** The same two messages, made beforehand, through gRPC alone. */
  @Benchmark
  public UnityMessageProto echo() {
    return echoClient.exchange(request);
  }

  @TearDown(Level.Trial)
  public void tearDown() {
    try (UnityEnvironment closing = env;
        Connection client = echoClient) {
      if (echoServer != null) {
        echoServer.shutdownNow();
      }
    }
    player.close();
  }
}
