package bellman.unity.player;

import static org.assertj.core.api.Assertions.assertThat;

import bellman.unity.player.GridAreaState.Goal;
import bellman.unity.player.ScriptedTrainer.Transport;
import bellman.unity.proto.AgentActionProto;
import bellman.unity.proto.AgentInfoProto;
import bellman.unity.proto.ObservationProto;
import bellman.unity.proto.UnityMessageProto;
import bellman.unity.proto.UnityRLInputProto;
import bellman.unity.proto.UnityRLOutputProto;
import bellman.unity.recording.Recording;
import com.google.protobuf.ByteString;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The rules and the words, held against what the official C# SDK once said (see the README). */
class RecordedTrafficTest {
  private record Exchange(UnityMessageProto player, UnityMessageProto trainer) {}

  private static List<Exchange> recording(String name) throws Exception {
    try (InputStream in =
        RecordedTrafficTest.class.getResourceAsStream("/golden/unity-player/" + name)) {
      List<Recording.Record> records = Recording.parse(in.readAllBytes(), name).records();
      List<Exchange> exchanges = new ArrayList<>();
      for (int i = 0; i < records.size(); i += 2) {
        assertThat(records.get(i).sender()).isEqualTo(Recording.Sender.PLAYER);
        assertThat(records.get(i + 1).sender()).isEqualTo(Recording.Sender.TRAINER);
        exchanges.add(new Exchange(records.get(i).message(), records.get(i + 1).message()));
      }
      return exchanges;
    }
  }

  @ParameterizedTest
  @CsvSource({
    "gridworld-without-pictures.bin, 1, 121, 2",
    "gridworld4-without-pictures.bin, 4, 244, 5"
  })
  void everyRecordedStepFollowsTheRules(String name, int agents, int steps, int ends)
      throws Exception {
    List<Exchange> all = recording(name);
    List<Exchange> exchanges =
        all.stream().filter(e -> e.player().getUnityOutput().hasRlOutput()).toList();
    List<GridArea> areas = new ArrayList<>();
    for (AgentInfoProto info : ScriptedTrainer.infos(exchanges.get(0).player())) {
      areas.add(area(info, new GridArea(0, 0).state()));
    }
    assertThat(areas).hasSize(agents);
    // The recording's first academy step passed before any agent asked for a decision.
    areas.forEach(GridArea::decided);
    int seenSteps = 0;
    int seenEnds = 0;
    for (int t = 0; t + 1 < exchanges.size(); t++) {
      // Only the last answer, the command to quit, holds no actions: those agents act with zeros.
      List<AgentActionProto> actions =
          exchanges
              .get(t)
              .trainer()
              .getUnityInput()
              .getRlInput()
              .getAgentActionsOrDefault(
                  "GridWorld?team=0", UnityRLInputProto.ListAgentActionProto.getDefaultInstance())
              .getValueList();
      List<AgentInfoProto> next =
          new ArrayList<>(ScriptedTrainer.infos(exchanges.get(t + 1).player()));
      List<GridArea> ended = new ArrayList<>();
      for (int id = 0; id < agents; id++) {
        GridArea area = areas.get(id);
        area.decided();
        boolean reached = area.act(actions.isEmpty() ? 0 : actions.get(id).getDiscreteActions(0));
        seenSteps++;
        if (reached || area.timedOut()) {
          seenEnds++;
          ended.add(area);
          AgentInfoProto done = next.remove(0);
          assertThat(done.getDone()).isTrue();
          assertThat(done.getId()).isEqualTo(id);
          assertThat(done.getMaxStepReached()).isEqualTo(!reached);
          GridAreaState last = area.state();
          assertSame(done, last, last.masksSeen(), last.mask());
        }
      }
      for (int id = 0; id < agents; id++) {
        AgentInfoProto info = next.get(id);
        assertThat(info.getDone()).isFalse();
        assertThat(info.getId()).isEqualTo(id);
        if (ended.contains(areas.get(id))) {
          areas.set(id, area(info, areas.get(id).state()));
        }
        GridArea area = areas.get(id);
        boolean masked = area.state().masksSeen() || area.forbidden() != 0;
        assertSame(info, area.state(), masked, area.forbidden());
      }
      assertThat(next).hasSize(agents);
    }
    assertThat(seenSteps).isEqualTo(steps);
    assertThat(seenEnds).isEqualTo(ends);
  }

  private static void assertSame(
      AgentInfoProto info, GridAreaState area, boolean masked, int mask) {
    AgentInfoProto ours =
        PlayerMessages.info(info.getId(), area.reward(), masked, mask)
            .setDone(info.getDone())
            .setMaxStepReached(info.getMaxStepReached())
            .addObservations(PlayerMessages.picture(new byte[0], false))
            .addObservations(PlayerMessages.goal(area.goal(), false))
            .build();
    assertThat(info.toBuilder().removeObservations(2).build()).isEqualTo(ours);
    List<Float> at = info.getObservations(2).getFloatData().getDataList();
    assertThat(area.x()).isEqualTo(Math.round(at.get(0)) - 6 * info.getId());
    assertThat(area.z()).isEqualTo(Math.round(at.get(1)));
  }

  /** The area that a recorded report describes; masks seen before stay seen. */
  private static GridArea area(AgentInfoProto info, GridAreaState before) {
    List<Integer> at =
        info.getObservations(2).getFloatData().getDataList().stream().map(Math::round).toList();
    return new GridArea(
        new GridAreaState(
            5,
            at.get(0) - 6 * info.getId(),
            at.get(1),
            List.of(at.get(2) * 5 + at.get(3)),
            List.of(at.get(4) * 5 + at.get(5)),
            info.getObservations(1).getFloatData().getData(0) == 1 ? Goal.PLUS : Goal.EX,
            0,
            0,
            before.masksSeen(),
            before.mask(),
            0));
  }

  @Test
  void thePlayerOfThatPackageSaysTheSameWords() throws Exception {
    List<Exchange> exchanges = recording("gridworld4-without-pictures.bin");
    GridWorldPlayer player =
        new GridWorldPlayer(
            GridWorldOptions.defaults().withAgents(4).withPackageVersion("2.0.0-exp.1"));
    try (ScriptedTrainer trainer = new ScriptedTrainer(Transport.IN_PROCESS).start(player)) {
      for (int i = 0; i < 2; i++) {
        assertThat(trainer.hear()).isEqualTo(exchanges.get(i).player());
        trainer.say(exchanges.get(i).trainer());
      }
      // Episodes differ, so values are taken out of both.
      assertThat(shape(trainer.hear())).isEqualTo(shape(exchanges.get(2).player()));
      for (int i = 2; i < exchanges.size() - 1; i++) {
        trainer.say(exchanges.get(i).trainer());
        trainer.hear();
      }
      // The recording's last two answers: the command to quit, then status 400.
      assertThat(trainer.lastHeard().getHeader().getStatus()).isEqualTo(400);
      trainer.stop();
      assertThat(trainer.exitCode()).isZero();
    }
  }

  private static UnityMessageProto shape(UnityMessageProto message) {
    UnityMessageProto.Builder shape = message.toBuilder();
    var infos =
        ScriptedTrainer.infos(message).stream()
            .map(
                info -> {
                  AgentInfoProto.Builder bare = info.toBuilder().clearActionMask();
                  bare.clearObservations();
                  for (ObservationProto o : info.getObservationsList().subList(0, 2)) {
                    bare.addObservations(
                        o.hasFloatData()
                            ? o.toBuilder().clearFloatData()
                            : o.toBuilder().setCompressedData(ByteString.EMPTY));
                  }
                  return bare.build();
                })
            .toList();
    shape
        .getUnityOutputBuilder()
        .getRlOutputBuilder()
        .putAgentInfos(
            "GridWorld?team=0",
            UnityRLOutputProto.ListAgentInfoProto.newBuilder().addAllValue(infos).build());
    return shape.build();
  }
}
