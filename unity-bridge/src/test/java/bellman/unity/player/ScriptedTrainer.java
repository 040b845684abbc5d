package bellman.unity.player;

import bellman.unity.proto.AgentActionProto;
import bellman.unity.proto.AgentInfoProto;
import bellman.unity.proto.CommandProto;
import bellman.unity.proto.HeaderProto;
import bellman.unity.proto.UnityInputProto;
import bellman.unity.proto.UnityMessageProto;
import bellman.unity.proto.UnityRLCapabilitiesProto;
import bellman.unity.proto.UnityRLInitializationInputProto;
import bellman.unity.proto.UnityRLInputProto;
import bellman.unity.proto.UnityToExternalProtoGrpc;
import com.google.protobuf.ByteString;
import io.grpc.Server;
import io.grpc.ServerBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

/** A trainer that a test drives by hand: it waits for a message, looks at it, and answers. */
final class ScriptedTrainer implements AutoCloseable {
  enum Transport {
    IN_PROCESS,
    TCP
  }

  private record Call(UnityMessageProto message, StreamObserver<UnityMessageProto> answer) {}

  private final BlockingQueue<Call> calls = new LinkedBlockingQueue<>();
  private final String name = "trainer-" + UUID.randomUUID();
  private final Transport transport;
  private final Server server;
  private Call call;
  private CompletableFuture<Integer> exitCode;
  private Thread playing;

  ScriptedTrainer(Transport transport) throws IOException {
    this.transport = transport;
    ServerBuilder<?> builder =
        transport == Transport.TCP
            ? NettyServerBuilder.forAddress(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            : InProcessServerBuilder.forName(name);
    server =
        builder
            .addService(
                new UnityToExternalProtoGrpc.UnityToExternalProtoImplBase() {
                  @Override
                  public void exchange(
                      UnityMessageProto message, StreamObserver<UnityMessageProto> answer) {
                    calls.add(new Call(message, answer));
                  }
                })
            .build()
            .start();
  }

  int port() {
    return server.getPort();
  }

  Connection connection() {
    return transport == Transport.TCP ? GrpcConnection.tcp(port()) : GrpcConnection.inProcess(name);
  }

  /** Starts a player on a thread of its own. */
  ScriptedTrainer start(Player player) {
    exitCode = new CompletableFuture<>();
    playing =
        new Thread(
            () -> {
              try (Connection connection = connection()) {
                exitCode.complete(player.play(connection));
              } catch (Throwable e) {
                exitCode.completeExceptionally(e);
              }
            });
    playing.start();
    return this;
  }

  boolean hasEnded() {
    return exitCode.isDone();
  }

  int exitCode() throws Exception {
    return exitCode.get(10, TimeUnit.SECONDS);
  }

  /** The player's next message. */
  UnityMessageProto hear() throws InterruptedException {
    call = calls.poll(20, TimeUnit.SECONDS);
    if (call == null) {
      throw new AssertionError("the player said nothing for 20 s");
    }
    return call.message();
  }

  UnityMessageProto lastHeard() {
    return call.message();
  }

  boolean hearsNothingFor(long millis) throws InterruptedException {
    return calls.poll(millis, TimeUnit.MILLISECONDS) == null;
  }

  void say(UnityMessageProto answer) {
    call.answer().onNext(answer);
    call.answer().onCompleted();
  }

  /** Handshake and first reset; returns the first observations. */
  UnityMessageProto reset(int seed, String sideChannelHex) throws InterruptedException {
    hear();
    say(welcome(seed, "1.5.0"));
    hear();
    say(orders(CommandProto.RESET, sideChannelHex));
    return hear();
  }

  /** Answers with actions; returns the next message. */
  UnityMessageProto step(int... actions) throws InterruptedException {
    say(actions(actions));
    return hear();
  }

  /** Answers with status 400. */
  void stop() {
    say(withStatus(400).build());
  }

  @Override
  public void close() throws InterruptedException {
    server.shutdownNow();
    server.awaitTermination(5, TimeUnit.SECONDS);
    if (playing != null) {
      playing.join(5000);
    }
  }

  /** Breaks the connection without a word. */
  void die() {
    server.shutdownNow();
  }

  static List<AgentInfoProto> infos(UnityMessageProto message) {
    return message
        .getUnityOutput()
        .getRlOutput()
        .getAgentInfosOrThrow("GridWorld?team=0")
        .getValueList();
  }

  static UnityMessageProto welcome(int seed, String apiVersion) {
    return withStatus(200)
        .setUnityInput(
            UnityInputProto.newBuilder()
                .setRlInitializationInput(
                    UnityRLInitializationInputProto.newBuilder()
                        .setSeed(seed)
                        .setCommunicationVersion(apiVersion)
                        .setPackageVersion("1.1.0")
                        .setNumAreas(1)
                        .setCapabilities(
                            UnityRLCapabilitiesProto.newBuilder()
                                .setBaseRLCapabilities(true)
                                .setConcatenatedPngObservations(true)
                                .setCompressedChannelMapping(true)
                                .setHybridActions(true)
                                .setTrainingAnalytics(true)
                                .setVariableLengthObservation(true)
                                .setMultiAgentGroups(true))))
        .build();
  }

  static UnityMessageProto orders(CommandProto command, String sideChannelHex) {
    return withOrders(
        UnityRLInputProto.newBuilder()
            .setCommand(command)
            .setSideChannel(
                ByteString.copyFrom(HexFormat.of().parseHex(sideChannelHex.replace(" ", "")))));
  }

  static UnityMessageProto actions(int... actions) {
    return withOrders(
        UnityRLInputProto.newBuilder().putAgentActions("GridWorld?team=0", list(actions)));
  }

  static UnityRLInputProto.ListAgentActionProto list(int... actions) {
    return UnityRLInputProto.ListAgentActionProto.newBuilder()
        .addAllValue(
            IntStream.of(actions)
                .mapToObj(a -> AgentActionProto.newBuilder().addDiscreteActions(a).build())
                .toList())
        .build();
  }

  static UnityMessageProto withOrders(UnityRLInputProto.Builder orders) {
    return withStatus(200).setUnityInput(UnityInputProto.newBuilder().setRlInput(orders)).build();
  }

  static UnityMessageProto.Builder withStatus(int status) {
    return UnityMessageProto.newBuilder().setHeader(HeaderProto.newBuilder().setStatus(status));
  }
}
