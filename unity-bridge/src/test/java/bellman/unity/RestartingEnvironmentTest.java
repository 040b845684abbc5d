package bellman.unity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import bellman.unity.proto.AgentInfoProto;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class RestartingEnvironmentTest {
  private static final AgentInfoProto AGENT = Says.agent(0, 0f, Says.vector(1));

  private final List<UnityEnvironment> opened = new ArrayList<>();
  private long now = TimeUnit.DAYS.toNanos(1);

  /** Ends after its first report. */
  private UnityEnvironment dying() {
    UnityEnvironment env =
        Transport.IN_PROCESS.open(
            new ScriptedPlayer(Says.hello(), Says.loaded(), Says.firstAgents(List.of(2), AGENT)));
    opened.add(env);
    return env;
  }

  private RestartingEnvironment players(RestartLimits limits) {
    return new RestartingEnvironment(this::dying, limits, () -> now);
  }

  private static UnityException death(UnityEnvironment env) {
    env.reset();
    return catchThrowableOfType(UnityException.class, env::step);
  }

  @Test
  void aPlayerThatDiedIsOpenedAgainAfterTheOldOneIsClosed() {
    try (RestartingEnvironment players = players(new RestartLimits(-1, -1, Duration.ofDays(1)))) {
      for (int i = 1; i <= 5; i++) {
        UnityEnvironment old = players.environment();
        UnityException why = death(old);
        assertThat(players.restart(why)).isSameAs(players.environment()).isNotSameAs(old);
        assertThatThrownBy(old::reset).hasMessageContaining("is closed");
        assertThat(players.restarts()).isEqualTo(i);
      }
    }
    assertThat(opened).hasSize(6);
    assertThatThrownBy(() -> opened.get(5).reset()).hasMessageContaining("is closed");
  }

  @Test
  void theRateLimitsItForAPeriod() {
    try (RestartingEnvironment players =
        players(new RestartLimits(10, 2, Duration.ofSeconds(60)))) {
      players.restart(death(players.environment()));
      now += TimeUnit.SECONDS.toNanos(30);
      players.restart(death(players.environment()));
      now += TimeUnit.SECONDS.toNanos(29);
      UnityException why = death(players.environment());
      assertThatThrownBy(() -> players.restart(why))
          .hasCause(why)
          .hasMessage(
              "the player failed again after it was started again 2 times within 60 s, which is the"
                  + " limit. Remedy: mend it, or raise the limit's rate (--restarts-rate-limit-n). the"
                  + " embedded player ScriptedPlayer ended with exit code 0 during a step. Remedy: a"
                  + " player must play until it is answered with status 400.");
      now += TimeUnit.SECONDS.toNanos(1); // the first restart counts no more
      players.restart(why);
      assertThat(players.restarts()).isEqualTo(3);
    }
  }

  @Test
  void aLifetimeHasItsOwnLimit() {
    try (RestartingEnvironment players = players(new RestartLimits(2, -1, Duration.ofSeconds(1)))) {
      for (int i = 0; i < 2; i++) {
        players.restart(death(players.environment()));
        now += TimeUnit.HOURS.toNanos(1);
      }
      UnityException why = death(players.environment());
      assertThatThrownBy(() -> players.restart(why))
          .hasMessageStartingWith(
              "the player failed again after it was started again 2 times in all, which is the"
                  + " limit. Remedy: mend it, or raise the limit's lifetime"
                  + " (--max-lifetime-restarts). the embedded player");
    }
  }

  @Test
  void aStartThatFailsCountsAsARestart() {
    int[] starts = new int[1];
    RestartingEnvironment players =
        new RestartingEnvironment(
            () -> {
              if (starts[0]++ == 1) {
                throw new PlayerDiedException("no display", 1, null);
              }
              return dying();
            },
            new RestartLimits(2, -1, Duration.ofSeconds(60)),
            () -> now);
    try (players) {
      players.restart(death(players.environment()));
      assertThat(players.restarts()).isEqualTo(2);
      assertThat(starts[0]).isEqualTo(3);
    }
  }

  @Test
  void whatARestartCannotMendIsThrownAsItIs() {
    try (RestartingEnvironment players = players(RestartLimits.DEFAULT)) {
      for (UnityException e :
          List.of(
              new PlayerLeftException("window closed", true),
              new VersionMismatchException("2.0.0", null),
              new PlayerNotFoundException("gone", null),
              new UnityException("reward is NaN"))) {
        assertThatThrownBy(() -> players.restart(e)).isSameAs(e);
      }
      assertThat(players.restarts()).isZero();
      players.restart(new PlayerLeftException("broke", false));
      UnityException late =
          new UnityTimeoutException("late", UnityTimeoutException.Stage.STEP, Duration.ZERO);
      assertThatThrownBy(() -> players.restart(late))
          .hasCause(late)
          .hasMessageContaining(" once within 60 s,");
    }
  }

  @Test
  void limitsAreChecked() {
    assertThat(RestartLimits.DEFAULT).isEqualTo(new RestartLimits(10, 1, Duration.ofMinutes(1)));
    assertThatThrownBy(() -> new RestartLimits(-2, 0, Duration.ofSeconds(60)))
        .hasMessage(
            "restarts: lifetime -2 and rate 0 must be -1 (no limit) or more, the period PT1M"
                + " positive");
    assertThatThrownBy(() -> new RestartLimits(0, 0, Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class);
    try (RestartingEnvironment players = players(RestartLimits.NONE)) {
      UnityException why = death(players.environment());
      assertThatThrownBy(() -> players.restart(why)).isSameAs(why);
    }
  }
}
