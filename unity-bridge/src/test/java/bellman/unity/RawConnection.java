package bellman.unity;

import bellman.unity.player.Connection;
import bellman.unity.proto.UnityMessageProto;
import com.google.protobuf.InvalidProtocolBufferException;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCalls;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/** A player's end of the wire that sends any bytes at all. */
final class RawConnection implements Connection {
  private static final MethodDescriptor.Marshaller<byte[]> AS_THEY_ARE =
      new MethodDescriptor.Marshaller<>() {
        @Override
        public InputStream stream(byte[] bytes) {
          return new ByteArrayInputStream(bytes);
        }

        @Override
        public byte[] parse(InputStream in) {
          try {
            return in.readAllBytes();
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        }
      };

  private static final MethodDescriptor<byte[], byte[]> EXCHANGE =
      MethodDescriptor.newBuilder(AS_THEY_ARE, AS_THEY_ARE)
          .setType(MethodDescriptor.MethodType.UNARY)
          .setFullMethodName("communicator_objects.UnityToExternalProto/Exchange")
          .build();

  private final ManagedChannel channel;

  RawConnection(int port) {
    channel = NettyChannelBuilder.forAddress("localhost", port).usePlaintext().build();
  }

  byte[] exchange(byte[] message) {
    return ClientCalls.blockingUnaryCall(channel, EXCHANGE, CallOptions.DEFAULT, message);
  }

  @Override
  public UnityMessageProto exchange(UnityMessageProto message) {
    try {
      return UnityMessageProto.parseFrom(exchange(message.toByteArray()));
    } catch (InvalidProtocolBufferException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    channel.shutdownNow();
  }
}
