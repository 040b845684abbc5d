package bellman.rl.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.engine.DeviceOptions;
import bellman.engine.Devices;
import bellman.engine.Precision;
import bellman.engine.io.SafetensorsWriter;
import bellman.rl.TrainLoop;
import bellman.rl.dqn.DqnAgent;
import bellman.rl.dqn.DqnSettings;
import bellman.rl.env.Frame;
import bellman.rl.env.Signature;
import bellman.rl.env.Spec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointTest {
  @TempDir private Path folder;

  @Test
  void itSaysWhatThePlayerShowsAndAsks() throws IOException {
    Signature signature =
        new Signature(
            List.of(List.of(2), List.of(9, 3), List.of(4)),
            List.of(),
            List.of(2),
            0,
            List.of(new Signature.Branch(5, 2)));
    Spec spec = new Spec("Walker", Frame.vector(4), 2, 3, signature);
    Path file = folder.resolve("step-000000001.safetensors");
    try (Devices.Opened opened = Devices.find("java", new DeviceOptions(1, Precision.FP32, true));
        DqnAgent agent = new DqnAgent(opened.device(), spec, DqnSettings.tutorial(100, 1))) {
      Checkpoint.save(file, spec, agent, TrainLoop.State.at(1, 0, 0), Optional.empty());
    }
    assertThat(Checkpoint.spec(file)).isEqualTo(spec);
  }

  @Test
  void aChangedBitIsNoticed() throws IOException {
    Spec spec = new Spec("Walker", Frame.vector(4), 2, 3);
    Path file = folder.resolve("step-000000001.safetensors");
    try (Devices.Opened opened = Devices.find("java", new DeviceOptions(1, Precision.FP32, true));
        DqnAgent agent = new DqnAgent(opened.device(), spec, DqnSettings.tutorial(100, 1))) {
      Checkpoint.save(file, spec, agent, TrainLoop.State.at(1, 0, 0), Optional.empty());
      Checkpoint.load(file, agent);
      byte[] bytes = Files.readAllBytes(file);
      bytes[bytes.length - 77] ^= 16;
      Files.write(file, bytes);
      assertThatThrownBy(() -> Checkpoint.load(file, agent))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("damaged: the checksum of its data is ");
      assertThatThrownBy(() -> Checkpoint.loadWeights(file, agent))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("damaged: the checksum of its data is ");
    }
  }

  @Test
  void aFileThatDoesNotSayItIsRefused() throws IOException {
    Path file = folder.resolve("weights.safetensors");
    new SafetensorsWriter().metadata("format", "pt").write(file);
    assertThatThrownBy(() -> Checkpoint.spec(file))
        .isInstanceOf(IOException.class)
        .hasMessage(
            "it does not say what the player shows (no bellman.spec): not a checkpoint of Bellman, or"
                + " one from before it did");
    new SafetensorsWriter().metadata("bellman.spec", "{\"name\": 3, \"fr").write(file);
    assertThatThrownBy(() -> Checkpoint.spec(file))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("its bellman.spec is damaged: ");
    String negative =
        "{\"name\":\"A\",\"frame\":{\"height\":0,\"width\":0,\"channels\":0,\"vector\":4},"
            + "\"goals\":-1,\"actions\":3,\"signature\":null}";
    new SafetensorsWriter().metadata("bellman.spec", negative).write(file);
    assertThatThrownBy(() -> Checkpoint.spec(file))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("its bellman.spec is damaged: ");
  }
}
