package bellman.unity.player;

import bellman.unity.proto.UnityMessageProto;
import bellman.unity.proto.UnityToExternalProtoGrpc;
import bellman.unity.proto.UnityToExternalProtoGrpc.UnityToExternalProtoBlockingStub;
import io.grpc.ManagedChannel;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import java.util.concurrent.TimeUnit;

/**
 * A {@link Connection} over gRPC. Closing it from another thread ends an exchange that waits.
 * {@link #exchange} may be called from several threads, but a trainer expects one call at a time.
 */
public final class GrpcConnection implements Connection {
  private final ManagedChannel channel;
  private final UnityToExternalProtoBlockingStub stub;

  private GrpcConnection(ManagedChannel channel) {
    this.channel = channel;
    stub = UnityToExternalProtoGrpc.newBlockingStub(channel);
  }

  /**
   * Plain text to {@code localhost}, as Unity does it. Nothing is dialled before the first call.
   */
  public static GrpcConnection tcp(int port) {
    return new GrpcConnection(
        NettyChannelBuilder.forAddress("localhost", port)
            .usePlaintext()
            .maxInboundMessageSize(Integer.MAX_VALUE)
            .proxyDetector(address -> null) // a system-wide proxy has no business on localhost
            .disableServiceConfigLookUp()
            .build());
  }

  /** To a trainer in this JVM, by the name of its in-process server. */
  public static GrpcConnection inProcess(String serverName) {
    return new GrpcConnection(InProcessChannelBuilder.forName(serverName).build());
  }

  @Override
  public UnityMessageProto exchange(UnityMessageProto message) {
    return stub.exchange(message);
  }

  /** {@code localhost:5005}. */
  @Override
  public String toString() {
    return channel.authority();
  }

  @Override
  public void close() {
    channel.shutdownNow();
    try {
      channel.awaitTermination(1, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
