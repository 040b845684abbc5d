package bellman.rl.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The machine knows containers, numbers, texts and tensors; everything else is refused by name. */
class UnpicklerTest {
  private static final String ONLY =
      "; only containers, numbers, texts and tensors are read, and nothing was run. Save"
          + " state_dict()s alone";

  @TempDir private Path folder;

  private Object content(Archive archive) throws IOException {
    try (TorchFile file = TorchFile.open(archive.write(folder.resolve("a.pt")))) {
      return file.content();
    }
  }

  private void refused(Archive archive, String reason) {
    assertThatThrownBy(() -> content(archive))
        .isInstanceOf(TorchException.class)
        .hasMessage(folder.resolve("a.pt") + ": data.pkl, " + reason);
  }

  // ── values ────────────────────────────────────────────────────────────────────────────────────

  @Test
  void numbersAndWords() throws IOException {
    Archive archive =
        Archive.begin()
            .ops("](NK\u00ffM\u00ff\u00ff")
            .number(-7)
            .op(0x8a)
            .ops("\u0003\u0000\u0000\u0080") // LONG1: −2²³
            .op(0x8a)
            .op(0)
            .ops("G\u003f\u00f8\u0000\u0000\u0000\u0000\u0000\u0000") // 1.5
            .op(0x88)
            .op(0x89)
            .text("é")
            .ops("e.");
    assertThat((List<?>) content(archive))
        .isEqualTo(
            java.util.Arrays.asList(null, 255L, 65535L, -7L, -8388608L, 0L, 1.5, true, false, "é"));
  }

  @Test
  void containersAndWhatWasNoted() throws IOException {
    Archive archive =
        Archive.begin()
            .ops("}q\u0000(")
            .text("a")
            .ops("q\u0001]r")
            .int32(300)
            .ops("K\u0001a") // APPEND
            .text("b")
            .ops("j")
            .int32(300)
            .ops("u") // SETITEMS
            .number(5)
            .ops("h\u0001s."); // SETITEM
    Map<?, ?> map = (Map<?, ?>) content(archive);
    assertThat(map.get("a")).isEqualTo(List.of(1L)).isSameAs(map.get("b"));
    assertThat(map.get(5L)).isEqualTo("a");
  }

  @Test
  void tuples() throws IOException {
    Archive archive =
        Archive.begin().ops("K\u0001\u0085K\u0001K\u0002\u0086K\u0001K\u0002K\u0003\u0087\u0087.");
    Unpickler.Tuple tuple = (Unpickler.Tuple) content(archive);
    assertThat(tuple.items())
        .isEqualTo(
            List.of(
                new Unpickler.Tuple(List.of(1L)),
                new Unpickler.Tuple(List.of(1L, 2L)),
                new Unpickler.Tuple(List.of(1L, 2L, 3L))));
  }

  @Test
  void newerProtocols() throws IOException {
    Archive archive =
        Archive.of(new byte[0])
            .ops("\u0080\u0004\u0095")
            .int32(0)
            .int32(0) // FRAME
            .ops("\u008c\u000bcollections\u0094\u008c\u000bOrderedDict\u0094\u0093\u0094)R\u0094")
            .ops("\u008c\u0001kh\u0000s.");
    assertThat(content(archive)).isEqualTo(Map.of("k", "collections"));
  }

  @Test
  void sizesAndParameters() throws IOException {
    Archive size = Archive.begin().ops("ctorch\nSize\n").tuple(2, 3).ops("\u0085R.");
    assertThat(content(size)).isEqualTo(new Unpickler.Tuple(List.of(2L, 3L)));
    Archive parameter =
        Archive.begin()
            .ops("ctorch._utils\n_rebuild_parameter\n(")
            .tensor(1, 0, new int[] {1}, new int[] {1})
            .ops("\u0088ccollections\nOrderedDict\n)RtR.")
            .entry("x/data/0", new byte[4]);
    assertThat(content(parameter)).isInstanceOf(TorchTensor.class).hasToString("F32 [1]");
  }

  // ── hostile ───────────────────────────────────────────────────────────────────────────────────

  @Test
  void noFunctionOfPythonIsCalled() {
    refused(
        Archive.begin().ops("cos\nsystem\n").text("id").ops("\u0085R."),
        "byte 2: GLOBAL names os.system" + ONLY);
    refused(
        Archive.begin().text("os").text("system").ops("\u0093").text("id").ops("\u0085R."),
        "byte 20: STACK_GLOBAL names os.system" + ONLY);
    refused(
        Archive.begin().op('(').text("id").ops("ios\nsystem\n."),
        "byte 10: INST makes os.system" + ONLY);
    refused(
        Archive.begin().ops("c__builtin__\neval\n").text("1").ops("\u0085R."),
        "byte 2: GLOBAL names __builtin__.eval" + ONLY);
    refused(
        Archive.begin().ops("ctorch._utils\n_rebuild_tensor_v2\n".replace("v2", "v2.__class__")),
        "byte 2: GLOBAL names torch._utils._rebuild_tensor_v2.__class__" + ONLY);
    refused(
        Archive.begin().ops("cos\n\u001b[2Jsystem\n."),
        "byte 2: GLOBAL names os.?[2Jsystem" + ONLY);
  }

  @Test
  void noObjectIsMade() {
    String any = " makes objects of any class" + ONLY;
    String dict = "ccollections\nOrderedDict\n)";
    refused(Archive.begin().ops(dict).op(0x81), "byte 28: NEWOBJ" + any);
    refused(Archive.begin().ops(dict + "}").op(0x92), "byte 29: NEWOBJ_EX" + any);
    refused(Archive.begin().ops("(" + dict + "o"), "byte 29: OBJ" + any);
    refused(Archive.begin().ops("\u0082\u0001"), "byte 2: EXT1" + any);
    refused(Archive.begin().ops("\u0083\u0001\u0001"), "byte 2: EXT2" + any);
    refused(Archive.begin().ops("\u0084").int32(1), "byte 2: EXT4" + any);
  }

  @Test
  void whatIsKnownIsNotCalledOtherwise() {
    refused(
        Archive.begin().ops("ctorch\nFloatStorage\nK\u0001\u0085R."),
        "byte 25: REDUCE calls torch.FloatStorage" + ONLY);
    refused(
        Archive.begin().text("f").ops(")R."), "byte 9: REDUCE calls what is no function" + ONLY);
    refused(
        Archive.begin().ops("ccollections\nOrderedDict\n]\u0085R."),
        "byte 29: it calls collections.OrderedDict with arguments");
    refused(
        Archive.begin().ops("ctorch._utils\n_rebuild_tensor_v2\n)R."),
        "byte 36: it calls torch._utils._rebuild_tensor_v2 with other arguments than a tensor has");
    refused(
        Archive.begin().ops("ctorch._utils\n_rebuild_parameter\n)R."),
        "byte 36: it calls torch._utils._rebuild_parameter without a tensor");
    refused(
        Archive.begin().ops("ctorch\nSize\n)R."), "byte 15: it calls torch.Size without a tuple");
  }

  @Test
  void buildSetsNoState() {
    refused(
        Archive.begin()
            .tensor(1, 0, new int[] {1}, new int[] {1})
            .ops("}b.")
            .entry("x/data/0", new byte[4]),
        "byte 140: BUILD sets the state of an object" + ONLY);
    refused(
        Archive.begin().ops("ccollections\nOrderedDict\n}b."),
        "byte 28: BUILD sets the state of an object" + ONLY);
    refused(
        Archive.begin().ops("ccollections\nOrderedDict\n)R)b."),
        "byte 30: BUILD sets the state of an object" + ONLY);
  }

  @Test
  void anOrderedDictKeepsItsItemsWhenItGetsAttributes() throws IOException {
    Archive archive =
        Archive.begin()
            .ops("ccollections\nOrderedDict\n)R")
            .text("k")
            .ops("K\u0001s}")
            .text("_metadata")
            .ops("}sb.");
    assertThat(content(archive)).isEqualTo(Map.of("k", 1L));
  }

  @Test
  void onlyStoragesHaveNames() {
    String something = "BINPERSID names something else than a tensor's storage";
    refused(Archive.begin().text("module").ops("Q."), "byte 13: " + something);
    refused(
        Archive.begin()
            .op('(')
            .text("storage")
            .ops("ctorch\nSize\n")
            .text("0")
            .text("cpu")
            .number(1)
            .ops("tQ."),
        "byte 47: " + something);
  }

  @Test
  void otherInstructions() {
    refused(
        Archive.begin().ops("I7\n."), "byte 2: its instruction 0x49 is none that torch.save uses");
    refused(
        Archive.of(new byte[] {(byte) 0x80, 9}), "byte 0: it is of protocol 9; 2 to 5 are read");
  }

  // ── damaged ───────────────────────────────────────────────────────────────────────────────────

  @Test
  void cutOff() {
    refused(Archive.begin(), "byte 2: it is cut off: 1 bytes are stated, 0 follow");
    refused(Archive.begin().ops("J\u0001"), "byte 2: it is cut off: 4 bytes are stated, 1 follow");
    refused(
        Archive.begin().op('X').int32(-1),
        "byte 2: it is cut off: 4294967295 bytes are stated, 0 follow");
    refused(
        Archive.begin().op('X').int32(1 << 30).ops("abc"),
        "byte 2: it is cut off: 1073741824 bytes are stated, 3 follow");
    refused(Archive.begin().ops("cos"), "byte 2: it is cut off: 1 bytes are stated, 0 follow");
    refused(
        Archive.begin().ops("c" + "o".repeat(300)), "byte 2: it has a name of more than 200 bytes");
  }

  @Test
  void valuesThatAreNotThere() {
    refused(
        Archive.begin().ops("."), "byte 2: its instruction takes 1 values where there are fewer");
    refused(
        Archive.begin().ops("K\u0001K\u0001(" + "\u0086"),
        "byte 7: its instruction takes 2 values where there are fewer");
    refused(
        Archive.begin().ops("t"),
        "byte 2: its instruction takes the values from a mark on, and there is none");
    refused(Archive.begin().ops("NN."), "byte 4: it ends with values left over");
    refused(Archive.begin().ops("h\u0007"), "byte 2: it recalls value 7, which it never noted");
    refused(
        Archive.begin().op('j').int32(-1),
        "byte 2: it recalls value 4294967295, which it never noted");
    refused(Archive.begin().ops("]NNs"), "byte 5: it sets items of what is no dict");
    refused(Archive.begin().ops("}(Nu"), "byte 5: it sets items of what is no dict");
    refused(Archive.begin().ops(")Na"), "byte 4: it appends to what is no list");
    refused(
        Archive.begin().ops("})Ns"),
        "byte 5: it has a dict with keys that are neither texts nor whole numbers");
    refused(
        Archive.begin().ops("\u008a\u0009").ops("123456789"),
        "byte 2: it has a whole number of 9 bytes; at most 8 are read");
    refused(Archive.begin().ops("X").int32(1).op(0xff), "byte 2: it has a text that is not UTF-8");
    refused(Archive.begin().ops("NN\u0093"), "byte 4: STACK_GLOBAL takes two texts");
  }

  // ── too much ──────────────────────────────────────────────────────────────────────────────────

  @Test
  void nestedTooDeep() {
    refused(
        Archive.begin().ops("(".repeat(1000)),
        "byte 102: its values are nested more than 100 deep");
  }

  @Test
  void tooManyInstructions() {
    refused(
        Archive.begin().ops("]".repeat(1_000_001)),
        "byte 1000000: it has more than 1,000,000 instructions");
  }

  /** Each list holds the one before twice: 2¹⁰⁰ items for whoever walked them. */
  @Test
  void aMemoBombIsOnlyAFewLists() throws IOException {
    Archive archive = Archive.begin().ops("]q\u0000");
    for (int i = 0; i < 100; i++) {
      archive.ops("](h").op(i).ops("h").op(i).ops("eq").op(i + 1);
    }
    // All of them stay on the stack; the last one holds the rest.
    for (int i = 0; i < 99; i++) {
      archive.ops("\u0086");
    }
    Path path = archive.ops("\u0086.").write(folder.resolve("a.pt"));
    assertThatThrownBy(() -> TorchCheckpoint.read(path))
        .hasMessage(
            path
                + ": it holds no dict; save a state_dict(), or {\"network\": model.state_dict(),"
                + " \"optimizer\": adam.state_dict()}");
  }

  /** A list that holds itself, as a weight. */
  @Test
  void aCircleIsNotWalked() throws IOException {
    Path path =
        Archive.begin()
            .op('}')
            .text("conv1.weight")
            .ops("]q\u0000h\u0000as.")
            .write(folder.resolve("a.pt"));
    assertThatThrownBy(() -> TorchCheckpoint.read(path))
        .hasMessageStartingWith(
            path + ": its dict holds neither 'network' nor tensors alone, but conv1.weight; ");
  }

  @Test
  void aDeepTupleIsNotWalked() throws IOException {
    Path path =
        Archive.begin()
            .op('}')
            .text("network")
            .ops(")" + "\u0085".repeat(500_000) + "s.")
            .write(folder.resolve("a.pt"));
    assertThatThrownBy(() -> TorchCheckpoint.read(path)).hasMessageContaining("but network; ");
  }
}
