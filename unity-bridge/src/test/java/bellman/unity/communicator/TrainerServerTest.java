package bellman.unity.communicator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import bellman.unity.Logged;
import bellman.unity.player.GrpcConnection;
import bellman.unity.proto.HeaderProto;
import bellman.unity.proto.UnityMessageProto;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TrainerServerTest {
  private static final Duration LONG = Duration.ofSeconds(30);

  private static TrainerServer server(boolean tcp) throws IOException {
    return tcp ? TrainerServer.tcp(0, false) : TrainerServer.inProcess();
  }

  private static UnityMessageProto message(int status, String text) {
    return UnityMessageProto.newBuilder()
        .setHeader(HeaderProto.newBuilder().setStatus(status).setMessage(text))
        .build();
  }

  private static CompletableFuture<UnityMessageProto> ask(
      GrpcConnection player, UnityMessageProto message) {
    return CompletableFuture.supplyAsync(
        () -> player.exchange(message), task -> new Thread(task).start());
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void questionsMeetTheirAnswers(boolean tcp) throws Exception {
    try (TrainerServer server = server(tcp);
        GrpcConnection player = server.connect()) {
      assertThat(server.connected()).isFalse();
      for (int i = 0; i < 100; i++) {
        var reply = ask(player, message(200, "question " + i));
        assertThat(server.await(LONG))
            .isEqualTo(new Arrival.Request(message(200, "question " + i)));
        assertThat(reply).isNotDone();
        server.reply(message(200, "answer " + i));
        assertThat(reply.get(30, TimeUnit.SECONDS)).isEqualTo(message(200, "answer " + i));
      }
      assertThat(server.connected()).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aSecondPlayerIsRefusedAndTheFirstPlaysOn(boolean tcp) throws Exception {
    try (TrainerServer server = server(tcp);
        GrpcConnection first = server.connect();
        GrpcConnection second = server.connect()) {
      var reply = ask(first, message(200, "one"));
      assertThat(server.await(LONG)).isInstanceOf(Arrival.Request.class);
      String refusal =
          "refused a second player on "
              + server.address()
              + ": this trainer already plays with another one. Give each player a trainer and a"
              + " port of its own (--mlagents-port), or close the other player first.";
      List<String> log =
          Logged.warnings(
              TrainerServer.class,
              () ->
                  assertThatThrownBy(() -> second.exchange(message(200, "two")))
                      .isInstanceOfSatisfying(
                          StatusRuntimeException.class,
                          e -> {
                            assertThat(e.getStatus().getCode())
                                .isEqualTo(Status.Code.ALREADY_EXISTS);
                            assertThat(e.getStatus().getDescription()).isEqualTo(refusal);
                          }));
      assertThat(log).containsExactly(refusal);
      second.close();
      assertThat(server.await(Duration.ofMillis(200))).isEqualTo(new Arrival.TimedOut());
      server.reply(message(200, "answer"));
      assertThat(reply.get(30, TimeUnit.SECONDS)).isEqualTo(message(200, "answer"));
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void twoMessagesAtOnceAreRefused(boolean tcp) throws Exception {
    try (TrainerServer server = server(tcp);
        GrpcConnection player = server.connect()) {
      var reply = ask(player, message(200, "one"));
      server.await(LONG);
      assertThatThrownBy(() -> player.exchange(message(200, "two")))
          .isInstanceOf(StatusRuntimeException.class)
          .hasMessage(
              "FAILED_PRECONDITION: a second message came while the first waits for its answer:"
                  + " send one message at a time");
      server.reply(message(200, "answer"));
      assertThat(reply.get(30, TimeUnit.SECONDS)).isEqualTo(message(200, "answer"));
      ask(player, message(200, "three"));
      assertThat(server.await(LONG)).isEqualTo(new Arrival.Request(message(200, "three")));
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void goodbyeIsAnsweredWithoutTheTrainer(boolean tcp) throws Exception {
    try (TrainerServer server = server(tcp);
        GrpcConnection player = server.connect()) {
      assertThat(player.exchange(message(400, ""))).isEqualTo(Rendezvous.STOP_MESSAGE);
      assertThat(server.await(LONG)).isEqualTo(new Arrival.Quit());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void closingSaysStopToAWaitingPlayer(boolean tcp) throws Exception {
    TrainerServer server = server(tcp);
    try (GrpcConnection player = server.connect()) {
      var reply = ask(player, message(200, "one"));
      server.await(LONG);
      server.close();
      server.close();
      assertThat(reply.get(30, TimeUnit.SECONDS)).isEqualTo(Rendezvous.STOP_MESSAGE);
      assertThatThrownBy(() -> ask(player, message(200, "two")).join())
          .isInstanceOf(CompletionException.class)
          .hasMessageContaining("UNAVAILABLE");
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aPlayerThatVanishesIsNoticed(boolean tcp) throws Exception {
    try (TrainerServer server = server(tcp)) {
      GrpcConnection player = server.connect();
      var reply = ask(player, message(200, "one"));
      server.await(LONG);
      player.close();
      assertThat(server.await(LONG)).isEqualTo(new Arrival.Lost());
      server.reply(message(200, "nobody hears this"));
      assertThat(reply.handle((ok, e) -> e != null).get(30, TimeUnit.SECONDS)).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aPlayerThatVanishesBetweenTwoCallsIsNoticed(boolean tcp) throws Exception {
    try (TrainerServer server = server(tcp)) {
      GrpcConnection player = server.connect();
      var reply = ask(player, message(200, "one"));
      server.await(LONG);
      server.reply(message(200, "answer"));
      reply.get(30, TimeUnit.SECONDS);
      player.close();
      assertThat(server.await(LONG)).isEqualTo(new Arrival.Lost());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void messagesOf64MiBPass(boolean tcp) throws Exception {
    UnityMessageProto large = message(200, "x".repeat((64 << 20) - 16));
    try (TrainerServer server = server(tcp);
        GrpcConnection player = server.connect()) {
      ask(player, large);
      assertThat(server.await(LONG).equals(new Arrival.Request(large))).isTrue();
    }
  }

  @Test
  void aTakenPortIsABindException() throws Exception {
    try (TrainerServer server = server(true)) {
      assertThatThrownBy(() -> TrainerServer.tcp(server.port(), false))
          .isInstanceOf(BindException.class)
          .hasMessage("port " + server.port() + " is in use");
    }
  }

  @Test
  void onlyThisMachineReachesItUnlessAsked() throws Exception {
    InetAddress outer =
        NetworkInterface.networkInterfaces()
            .flatMap(NetworkInterface::inetAddresses)
            .filter(a -> a instanceof Inet4Address && !a.isLoopbackAddress())
            .findFirst()
            .orElse(null);
    assumeThat(outer).as("an address that other machines could use").isNotNull();
    try (TrainerServer server = TrainerServer.tcp(0, false)) {
      assertThatThrownBy(() -> new Socket(outer, server.port()).close())
          .isInstanceOf(ConnectException.class);
    }
    try (TrainerServer server = TrainerServer.tcp(0, true);
        Socket socket = new Socket(outer, server.port())) {
      assertThat(socket.isConnected()).isTrue();
    }
  }
}
