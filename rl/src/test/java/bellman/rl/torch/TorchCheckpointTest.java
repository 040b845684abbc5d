package bellman.rl.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.engine.Shape;
import bellman.engine.io.Safetensors;
import bellman.nn.Adam;
import bellman.nn.Values;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TorchCheckpointTest {
  @TempDir private Path folder;

  private Path path() {
    return folder.resolve("ckpt");
  }

  @Test
  void theTutorialsCheckpoint() throws IOException {
    TorchCheckpoint saved = TorchCheckpoint.read(TorchGolden.file("seed_ckpt_small.pt"));
    assertThat(saved.network().keySet())
        .containsExactly(
            "conv1.weight",
            "conv1.bias",
            "conv2.weight",
            "conv2.bias",
            "conv3.weight",
            "conv3.bias",
            "fc1.weight",
            "fc1.bias",
            "q.weight",
            "q.bias");
    assertThat(saved.network().get("conv1.weight").shape()).isEqualTo(Shape.of(32, 6, 8, 8));
    TorchCheckpoint.Optimizer optimizer = saved.optimizer().orElseThrow();
    assertThat(optimizer.settings()).isEqualTo(Adam.Settings.defaults().withLearningRate(2.5e-4));
    Adam.State adam = optimizer.state();
    assertThat(adam.t()).isEqualTo(100);
    for (Map<String, Values> averages : List.of(adam.m(), adam.v())) {
      assertThat(averages.keySet()).isEqualTo(saved.network().keySet());
      averages.forEach(
          (name, v) -> assertThat(v.shape()).as(name).isEqualTo(saved.network().get(name).shape()));
    }
    try (Safetensors golden = Safetensors.open(TorchGolden.file("seed_ckpt_small.safetensors"))) {
      assertThat(Arrays.copyOf(saved.network().get("fc1.weight").floats(), 64))
          .isEqualTo(golden.entry("fc1.weight.row0").floats());
      assertThat(adam.m().get("conv1.bias").floats())
          .isEqualTo(golden.entry("conv1.bias.exp_avg").floats());
      assertThat(adam.v().get("q.weight").floats())
          .isEqualTo(golden.entry("q.weight.exp_avg_sq").floats());
    }
  }

  // ── written ───────────────────────────────────────────────────────────────────────────────────

  private static Values values(int... dims) {
    Shape shape = Shape.of(dims);
    SplittableRandom random = new SplittableRandom(shape.size());
    float[] floats = new float[(int) shape.size()];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) random.nextGaussian();
    }
    return new Values(shape, floats);
  }

  private static TorchCheckpoint small(int t) {
    Map<String, Values> network = new LinkedHashMap<>();
    network.put("conv1.weight", values(3, 2, 2, 2));
    network.put("conv1.bias", values(3));
    network.put("q.weight", values(2, 5));
    Map<String, Values> m = new LinkedHashMap<>();
    Map<String, Values> v = new LinkedHashMap<>();
    network.forEach(
        (name, w) -> {
          float[] floats =
              t == 0 ? new float[w.floats().length] : values(7, w.floats().length).floats();
          m.put(name, new Values(w.shape(), Arrays.copyOf(floats, w.floats().length)));
          v.put(name, new Values(w.shape(), Arrays.copyOf(floats, w.floats().length)));
        });
    return new TorchCheckpoint(
        network,
        Optional.of(
            new TorchCheckpoint.Optimizer(
                new Adam.State(t, m, v), Adam.Settings.defaults().withLearningRate(3e-4))));
  }

  private static void assertSame(Map<String, Values> a, Map<String, Values> b) {
    assertThat(new ArrayList<>(a.keySet())).isEqualTo(new ArrayList<>(b.keySet()));
    a.forEach(
        (name, v) -> {
          assertThat(v.shape()).as(name).isEqualTo(b.get(name).shape());
          assertThat(v.floats()).as(name).isEqualTo(b.get(name).floats());
        });
  }

  private void comesBack(TorchCheckpoint written) throws IOException {
    written.write(path());
    TorchCheckpoint read = TorchCheckpoint.read(path());
    assertSame(read.network(), written.network());
    assertSame(TorchCheckpoint.readNetwork(path()), written.network());
    assertThat(read.optimizer().isPresent()).isEqualTo(written.optimizer().isPresent());
    if (written.optimizer().isPresent()) {
      TorchCheckpoint.Optimizer a = read.optimizer().get();
      TorchCheckpoint.Optimizer b = written.optimizer().get();
      assertThat(a.settings()).isEqualTo(b.settings());
      assertThat(a.state().t()).isEqualTo(b.state().t());
      assertSame(a.state().m(), b.state().m());
      assertSame(a.state().v(), b.state().v());
    }
  }

  @Test
  void whatIsWrittenComesBack() throws IOException {
    comesBack(TorchCheckpoint.read(TorchGolden.file("seed_ckpt_small.pt")));
    comesBack(small(12));
    comesBack(small(0));
    comesBack(new TorchCheckpoint(small(1).network(), Optional.empty()));
    try (var files = Files.list(folder)) {
      assertThat(files).containsExactly(path());
    }
  }

  @Test
  void writingTwiceGivesTheSameBytes() throws IOException {
    small(3).write(path());
    byte[] first = Files.readAllBytes(path());
    small(3).write(path());
    assertThat(Files.readAllBytes(path())).isEqualTo(first);
    assertThat(TorchCheckpoint.looksLikeOne(path())).isTrue();
    assertThat(TorchCheckpoint.looksLikeOne(folder)).isFalse();
    assertThat(TorchCheckpoint.looksLikeOne(TorchGolden.file("seed_ckpt_small.safetensors")))
        .isFalse();
  }

  /** As PyTorch aligns them, for those who map the file into memory. */
  @Test
  void numbersAreAlignedTo64Bytes() throws IOException {
    small(3).write(path());
    byte[] bytes = Files.readAllBytes(path());
    String text = new String(bytes, java.nio.charset.StandardCharsets.ISO_8859_1);
    try (ZipFile zip = new ZipFile(path().toFile())) {
      int storages = 0;
      for (var e = zip.entries(); e.hasMoreElements(); ) {
        String name = e.nextElement().getName();
        int header = text.indexOf(name) - 30;
        int extra = (bytes[header + 28] & 0xff) + (bytes[header + 29] & 0xff) * 256;
        assertThat((header + 30 + name.length() + extra) % 64).as(name).isZero();
        storages += name.startsWith("archive/data/") ? 1 : 0;
      }
      assertThat(storages).isEqualTo(3 + 3 * 3);
    }
  }

  @Test
  void anOldFileSurvivesAWriteThatFails() throws IOException {
    small(3).write(path());
    Path elsewhere = folder.resolve("absent").resolve("ckpt");
    assertThatThrownBy(() -> small(1).write(elsewhere)).isInstanceOf(IOException.class);
    assertThat(TorchCheckpoint.read(path()).network()).hasSize(3);
  }

  @Test
  void anotherNetworksAdam() {
    TorchCheckpoint saved = small(1);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new TorchCheckpoint(Map.of("w", values(1)), saved.optimizer()))
        .withMessage(
            "Adam has averages of [conv1.weight, conv1.bias, q.weight] and [conv1.weight,"
                + " conv1.bias, q.weight], the network has [w]");
  }

  // ── what else a file may hold ─────────────────────────────────────────────────────────────────

  private void refused(Object content, String reason) throws IOException {
    TorchWriter.write(path(), content);
    assertThatThrownBy(() -> TorchCheckpoint.read(path()))
        .isInstanceOf(TorchException.class)
        .hasMessage(path() + ": " + reason);
  }

  @Test
  void aStateDictAloneIsANetwork() throws IOException {
    TorchWriter.write(path(), new TorchWriter.StateDict(small(1).network()));
    assertSame(TorchCheckpoint.read(path()).network(), small(1).network());
    assertThat(TorchCheckpoint.read(path()).optimizer()).isEmpty();
    assertThat(TorchCheckpoint.readNetwork(TorchGolden.file("views.pt"))).hasSize(11);
  }

  @Test
  void otherContents() throws IOException {
    String remedy =
        "save a state_dict(), or {\"network\": model.state_dict(), \"optimizer\":"
            + " adam.state_dict()}";
    refused(List.of(), "it holds no dict; " + remedy);
    refused(
        Map.of("model", Map.of()),
        "its dict holds neither 'network' nor tensors alone, but model; " + remedy);
    refused(Map.of("network", Map.of()), "its network is empty; " + remedy);
    refused(Map.of("network", Map.of("w", 1)), "'w' in its network is no tensor");
    refused(
        Map.of("network", Map.of("w", new Values(Shape.of(2), new float[] {1, Float.NaN}))),
        "w holds NaN: that training had diverged");
    refused(
        Map.of("network", Map.of("w\u001b[31m", values(1))),
        "'w?[31m' in its network is no name of a weight");
  }

  /** The optimizer's state_dict of {@link #small}, changed. */
  private void optimizerRefused(UnaryOperator<Map<String, Object>> change, String reason)
      throws IOException {
    Map<String, Object> group = new LinkedHashMap<>();
    group.put("lr", 1e-3);
    group.put("betas", new Unpickler.Tuple(List.of(0.9, 0.999)));
    group.put("eps", 1e-8);
    group.put("weight_decay", 0);
    group.put("params", List.of(0, 1));
    Map<Integer, Object> state = new LinkedHashMap<>();
    for (int i = 0; i < 2; i++) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("step", 4);
      one.put("exp_avg", values(2));
      one.put("exp_avg_sq", values(2));
      state.put(i, one);
    }
    Map<String, Object> all = new LinkedHashMap<>(group);
    all.put("0", state.get(0));
    all.put("1", state.get(1));
    Map<String, Object> changed = change.apply(all);
    state.put(0, changed.remove("0"));
    state.put(1, changed.remove("1"));
    state.values().removeIf(one -> one == null);
    Map<String, Values> network = new LinkedHashMap<>();
    network.put("a", values(2));
    network.put("b", values(2));
    Map<String, Object> optimizer = new LinkedHashMap<>();
    optimizer.put("state", state);
    optimizer.put("param_groups", List.of(changed));
    Map<String, Object> content = new LinkedHashMap<>();
    content.put("network", network);
    content.put("optimizer", optimizer);
    if (reason.isEmpty()) {
      TorchWriter.write(path(), content);
      assertThat(TorchCheckpoint.read(path()).optimizer().orElseThrow().state().t()).isEqualTo(4);
      return;
    }
    refused(content, "its optimizer " + reason);
    assertThat(TorchCheckpoint.readNetwork(path())).as("the network alone").hasSize(2);
  }

  private static UnaryOperator<Map<String, Object>> with(String key, Object value) {
    return all -> {
      all.put(key, value);
      return all;
    };
  }

  @Test
  void otherOptimizers() throws IOException {
    optimizerRefused(with("foreach", null), ""); // steps that are plain numbers, as before 1.12
    optimizerRefused(
        all -> {
          all.remove("betas");
          return all;
        },
        "is not Adam: its settings are lr, eps, weight_decay, params");
    optimizerRefused(with("amsgrad", true), "is Adam with amsgrad, which is another algorithm");
    optimizerRefused(
        with("eps", -1.0), "has impossible settings: adam: epsilon is 0 or more, got -1.0");
    optimizerRefused(with("lr", "fast"), "has no number 'lr'");
    optimizerRefused(with("params", List.of(0)), "has 1 parameters, the network 2: a, b");
    optimizerRefused(with("params", List.of(1, 1)), "does not number its parameters one by one");
    optimizerRefused(with("params", 3), "does not say which parameters it has");
    optimizerRefused(
        with("1", Map.of("step", 4)), "has no step, exp_avg and exp_avg_sq of parameter 1, b");
    for (Object step : List.of(5, 4.5, new Values(Shape.scalar(), new float[] {Float.NaN}))) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("step", step);
      one.put("exp_avg", values(2));
      one.put("exp_avg_sq", values(2));
      String shown = step instanceof Values ? "NaN" : step.equals(5) ? "5.0" : "4.5";
      optimizerRefused(
          with("1", one), "must have made one whole number of steps, it has [4.0, " + shown + "]");
    }
    refused(
        Map.of("network", Map.of("a", values(2)), "optimizer", "Adam"),
        "its optimizer is no state_dict() of an optimizer");
    refused(
        Map.of(
            "network",
            Map.of("a", values(2)),
            "optimizer",
            Map.of("state", Map.of(), "param_groups", List.of(Map.of(), Map.of()))),
        "its optimizer has 2 groups of parameters; 1 is read");
  }
}
