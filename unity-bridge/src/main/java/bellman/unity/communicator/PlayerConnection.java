package bellman.unity.communicator;

import bellman.unity.player.Connection;
import bellman.unity.proto.UnityMessageProto;
import bellman.unity.proto.UnityToExternalProtoGrpc;
import io.grpc.ManagedChannel;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;

/** A player's gRPC client, for players of this JVM and for tests of the wire. */
public final class PlayerConnection implements Connection {
  private final ManagedChannel channel;
  private final UnityToExternalProtoGrpc.UnityToExternalProtoBlockingStub trainer;

  private PlayerConnection(ManagedChannel channel) {
    this.channel = channel;
    this.trainer = UnityToExternalProtoGrpc.newBlockingStub(channel);
  }

  static PlayerConnection inProcess(String name) {
    return new PlayerConnection(InProcessChannelBuilder.forName(name).build());
  }

  /** Connects, at the first exchange, to a trainer that listens on {@code localhost:port}. */
  public static PlayerConnection tcp(int port) {
    return new PlayerConnection(
        NettyChannelBuilder.forAddress("localhost", port)
            .usePlaintext()
            .maxInboundMessageSize(TrainerServer.MAX_MESSAGE_BYTES)
            .build());
  }

  @Override
  public UnityMessageProto exchange(UnityMessageProto message) {
    return trainer.exchange(message);
  }

  @Override
  public void close() {
    channel.shutdownNow();
  }
}
