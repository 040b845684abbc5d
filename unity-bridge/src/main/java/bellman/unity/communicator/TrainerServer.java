package bellman.unity.communicator;

import bellman.unity.player.GrpcConnection;
import bellman.unity.proto.UnityMessageProto;
import bellman.unity.proto.UnityToExternalProtoGrpc;
import bellman.unity.recording.Recorder;
import bellman.unity.recording.Recording;
import io.grpc.Attributes;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerBuilder;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerStreamTracer;
import io.grpc.ServerTransportFilter;
import io.grpc.Status;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.BindException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.net.SocketException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The server that one player calls. Whoever calls first is the player; calls over another
 * connection are refused and do not disturb it. All methods are for the trainer's thread except
 * {@link #playerExited}, which any thread may call.
 */
public final class TrainerServer implements AutoCloseable {
  /** Unity's own limit for sending is none; gRPC's default for receiving would be 4 MiB. */
  static final int MAX_MESSAGE_BYTES = 256 << 20;

  private static final Logger LOG = LoggerFactory.getLogger(TrainerServer.class);
  private static final Attributes.Key<Object> TRANSPORT = Attributes.Key.create("transport");
  private static final Context.Key<Object> CALLER = Context.key("caller");
  private static final int ANY_PORT_TRIES = 50;

  private final Rendezvous rendezvous = new Rendezvous(this::heard);
  private final Server server;
  private final String address;
  private final int port;
  private final String inProcessName;
  private volatile boolean connected;
  private volatile Recorder recorder;
  private Object player;

  private TrainerServer(ServerBuilder<?> builder, String address, int port, String inProcessName)
      throws IOException {
    this.address = address;
    this.port = port;
    this.inProcessName = inProcessName;
    this.server =
        builder
            .addService(new Exchange())
            .intercept(new NameCaller())
            .addTransportFilter(new Watch())
            .addStreamTracerFactory(
                new ServerStreamTracer.Factory() {
                  @Override
                  public ServerStreamTracer newServerStreamTracer(String method, Metadata headers) {
                    return new Reading();
                  }
                })
            .build()
            .start();
  }

  /**
   * Listens for a player of another process.
   *
   * @param port 1 to 65535, or 0 for any free one
   * @param allInterfaces false: loopback only (IPv4 and, where there is one, IPv6)
   * @throws BindException when the port is taken
   * @throws IOException when listening fails for another reason
   */
  public static TrainerServer tcp(int port, boolean allInterfaces) throws IOException {
    if (port != 0) {
      return bind(port, allInterfaces);
    }
    // Two addresses must share one port, so the system's choice for one is tried on both.
    for (int i = 1; ; i++) {
      int free;
      try (ServerSocket probe = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
        free = probe.getLocalPort();
      }
      try {
        return bind(free, allInterfaces);
      } catch (BindException e) {
        if (i == ANY_PORT_TRIES) {
          throw e;
        }
      }
    }
  }

  private static TrainerServer bind(int port, boolean allInterfaces) throws IOException {
    if (allInterfaces) {
      return bind(NettyServerBuilder.forPort(port), port);
    }
    List<InetAddress> loopback = loopback();
    NettyServerBuilder builder =
        NettyServerBuilder.forAddress(new InetSocketAddress(loopback.get(0), port));
    for (InetAddress other : loopback.subList(1, loopback.size())) {
      builder.addListenAddress(new InetSocketAddress(other, port));
    }
    try {
      return bind(builder, port);
    } catch (BindException e) {
      throw e;
    } catch (IOException e) {
      LOG.debug("IPv6 loopback cannot be used; listening on IPv4 only", e);
      return bind(
          NettyServerBuilder.forAddress(new InetSocketAddress(loopback.get(0), port)), port);
    }
  }

  /** A BindException means that the port is taken, and nothing else. */
  private static TrainerServer bind(NettyServerBuilder builder, int port) throws IOException {
    builder.maxInboundMessageSize(MAX_MESSAGE_BYTES);
    try {
      return new TrainerServer(builder, "localhost:" + port, port, null);
    } catch (IOException e) {
      for (Throwable t = e; t != null; t = t.getCause()) {
        if (t.getMessage() != null && t.getMessage().contains("already in use")) {
          BindException taken = new BindException("port " + port + " is in use");
          taken.initCause(e);
          throw taken;
        }
      }
      throw new IOException("port " + port + " cannot be opened: " + e.getMessage(), e);
    }
  }

  /** 127.0.0.1 and, if this machine has it, ::1; a player asks for "localhost" and may get any. */
  private static List<InetAddress> loopback() throws IOException {
    List<InetAddress> found = new ArrayList<>();
    found.add(InetAddress.getByAddress("localhost", new byte[] {127, 0, 0, 1}));
    try {
      NetworkInterface.networkInterfaces()
          .flatMap(NetworkInterface::inetAddresses)
          .filter(a -> a instanceof Inet6Address && a.isLoopbackAddress())
          .findFirst()
          .ifPresent(found::add);
    } catch (SocketException e) {
      LOG.debug("no list of network interfaces; listening on IPv4 only", e);
    }
    return found;
  }

  /** Serves a player of this JVM: messages are handed over, not serialised. */
  public static TrainerServer inProcess() throws IOException {
    String name = "bellman-" + UUID.randomUUID();
    return new TrainerServer(InProcessServerBuilder.forName(name), "this JVM", -1, name);
  }

  /** The player's end of an in-process server. */
  public GrpcConnection connect() {
    return inProcessName != null
        ? GrpcConnection.inProcess(inProcessName)
        : GrpcConnection.tcp(port);
  }

  /** Where the player finds this server, for people: {@code localhost:5005}, {@code this JVM}. */
  public String address() {
    return address;
  }

  /** The port, or −1 in-process. */
  public int port() {
    return port;
  }

  /** From now on writes down what is said. The recorder stays the caller's to close. */
  public void record(Recorder to) {
    this.recorder = to;
  }

  private void heard(Recording.Sender sender, UnityMessageProto message) {
    Recorder to = recorder;
    if (to != null) {
      to.add(sender, message);
    }
  }

  /** Whether anybody opened a connection, even without a message. */
  public boolean connected() {
    return connected;
  }

  /**
   * Waits for the player's next request or for its end.
   *
   * @throws InterruptedException if the thread is interrupted while it waits
   */
  public Arrival await(Duration timeout) throws InterruptedException {
    return rendezvous.await(timeout);
  }

  /**
   * Answers the open request.
   *
   * @return false when there is none
   */
  public boolean reply(UnityMessageProto message) {
    return rendezvous.reply(message);
  }

  /** Tells a waiting trainer that the player's process or thread has ended. */
  public void playerExited() {
    rendezvous.end(new Arrival.Exited());
  }

  /** Answers the open request and all later ones with status 400: the player shall end. */
  public void stop() {
    rendezvous.stop();
  }

  /** {@link #stop}, then ends the server. Takes a second or so at most. */
  @Override
  public void close() {
    stop();
    server.shutdown();
    try {
      if (!server.awaitTermination(1, TimeUnit.SECONDS)) {
        server.shutdownNow().awaitTermination(1, TimeUnit.SECONDS);
      }
    } catch (InterruptedException e) {
      server.shutdownNow();
      Thread.currentThread().interrupt();
    }
  }

  private synchronized boolean isPlayer(Object caller) {
    if (player == null) {
      player = caller;
    }
    return player == caller;
  }

  private synchronized boolean wasPlayer(Object caller) {
    return player != null && player == caller;
  }

  private final class Exchange extends UnityToExternalProtoGrpc.UnityToExternalProtoImplBase {
    @Override
    public void exchange(UnityMessageProto request, StreamObserver<UnityMessageProto> observer) {
      if (!isPlayer(CALLER.get())) {
        String refusal =
            "refused a second player on "
                + address
                + ": this trainer already plays with another one. Give each player a trainer and a"
                + " port of its own (--mlagents-port), or close the other player first.";
        LOG.warn(refusal);
        observer.onError(Status.ALREADY_EXISTS.withDescription(refusal).asRuntimeException());
        return;
      }
      ((ServerCallStreamObserver<UnityMessageProto>) observer)
          .setOnCancelHandler(() -> rendezvous.end(new Arrival.Lost()));
      boolean taken =
          rendezvous.arrive(
              request,
              reply -> {
                observer.onNext(reply);
                observer.onCompleted();
              });
      if (!taken) {
        observer.onError(
            Status.FAILED_PRECONDITION
                .withDescription(
                    "a second message came while the first waits for its answer: send one message"
                        + " at a time")
                .asRuntimeException());
      }
    }
  }

  /** Puts the connection a call came by where {@link Exchange} can see it. */
  private static final class NameCaller implements ServerInterceptor {
    @Override
    public <A, B> ServerCall.Listener<A> interceptCall(
        ServerCall<A, B> call, Metadata headers, ServerCallHandler<A, B> next) {
      Object transport = call.getAttributes().get(TRANSPORT);
      return Contexts.interceptCall(
          Context.current().withValue(CALLER, transport), call, headers, next);
    }
  }

  /** Notices a call whose message never gets to {@link Exchange}. */
  private final class Reading extends ServerStreamTracer {
    private volatile Object caller;

    @Override
    public void serverCallStarted(ServerCallInfo<?, ?> call) {
      caller = call.getAttributes().get(TRANSPORT);
    }

    @Override
    public void streamClosed(Status status) {
      boolean tooLarge = status.getCode() == Status.Code.RESOURCE_EXHAUSTED;
      boolean noMessage = status.getCode() == Status.Code.UNKNOWN && status.getCause() != null;
      if ((tooLarge || noMessage) && caller != null && isPlayer(caller)) {
        Throwable root = status.getCause();
        while (root != null && root.getCause() != null) {
          root = root.getCause();
        }
        rendezvous.end(
            new Arrival.Unreadable(tooLarge ? status.getDescription() : root.getMessage()));
      }
    }
  }

  /** Sees connections come and go: a player that dies between two calls is noticed at once. */
  private final class Watch extends ServerTransportFilter {
    @Override
    public Attributes transportReady(Attributes attributes) {
      connected = true;
      return attributes.toBuilder().set(TRANSPORT, new Object()).build();
    }

    @Override
    public void transportTerminated(Attributes attributes) {
      if (attributes != null && wasPlayer(attributes.get(TRANSPORT))) {
        rendezvous.end(new Arrival.Lost());
      }
    }
  }
}
