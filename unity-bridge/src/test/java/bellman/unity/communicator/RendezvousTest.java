package bellman.unity.communicator;

import static org.assertj.core.api.Assertions.assertThat;

import bellman.unity.proto.HeaderProto;
import bellman.unity.proto.UnityMessageProto;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class RendezvousTest {
  private static final UnityMessageProto QUESTION = status(200);
  private static final UnityMessageProto ANSWER =
      UnityMessageProto.newBuilder()
          .setHeader(HeaderProto.newBuilder().setStatus(200).setMessage("answer"))
          .build();
  private static final Duration SOON = Duration.ofMillis(5);

  private final Rendezvous rendezvous = new Rendezvous((sender, message) -> {});
  private final List<UnityMessageProto> answers = new ArrayList<>();

  private static UnityMessageProto status(int status) {
    return UnityMessageProto.newBuilder()
        .setHeader(HeaderProto.newBuilder().setStatus(status))
        .build();
  }

  @Test
  void aRequestIsReadOnceAndAnsweredOnce() throws Exception {
    assertThat(rendezvous.arrive(QUESTION, answers::add)).isTrue();
    assertThat(rendezvous.await(SOON)).isEqualTo(new Arrival.Request(QUESTION));
    assertThat(rendezvous.await(SOON)).isEqualTo(new Arrival.TimedOut());
    assertThat(rendezvous.reply(ANSWER)).isTrue();
    assertThat(rendezvous.reply(ANSWER)).isFalse();
    assertThat(answers).containsExactly(ANSWER);
  }

  @Test
  void aSecondOpenRequestIsNotTaken() throws Exception {
    rendezvous.arrive(QUESTION, answers::add);
    assertThat(rendezvous.arrive(ANSWER, answers::add)).isFalse();
    assertThat(rendezvous.await(SOON)).isEqualTo(new Arrival.Request(QUESTION));
    assertThat(answers).isEmpty();
  }

  @Test
  void goodbyeIsAnsweredAtOnceAndEndsTheWait() throws Exception {
    assertThat(rendezvous.arrive(status(400), answers::add)).isTrue();
    assertThat(answers).containsExactly(status(400));
    assertThat(rendezvous.await(Duration.ofMinutes(1))).isEqualTo(new Arrival.Quit());
    rendezvous.end(new Arrival.Lost());
    assertThat(rendezvous.await(SOON)).as("the first reason stands").isEqualTo(new Arrival.Quit());
  }

  @Test
  void stopAnswersTheOpenRequestAndAllLater() {
    rendezvous.arrive(QUESTION, answers::add);
    rendezvous.stop();
    rendezvous.arrive(QUESTION, answers::add);
    assertThat(answers).containsExactly(status(400), status(400));
  }

  @Test
  void anEndWakesAWaitingTrainerThatUsedNoProcessorTime() throws Exception {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    CountDownLatch ready = new CountDownLatch(1);
    List<Arrival> seen = new ArrayList<>();
    long[] nanos = new long[1];
    Thread trainer =
        new Thread(
            () -> {
              long before = threads.getCurrentThreadCpuTime();
              ready.countDown();
              try {
                seen.add(rendezvous.await(Duration.ofMinutes(1)));
              } catch (InterruptedException e) {
                throw new AssertionError(e);
              }
              nanos[0] = threads.getCurrentThreadCpuTime() - before;
            });
    trainer.start();
    ready.await();
    Thread.sleep(400);
    rendezvous.end(new Arrival.Exited());
    trainer.join();
    assertThat(seen).containsExactly(new Arrival.Exited());
    assertThat(nanos[0]).as("CPU ns while waiting 400 ms").isLessThan(100_000_000L);
  }
}
