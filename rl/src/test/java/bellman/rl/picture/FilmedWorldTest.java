package bellman.rl.picture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import bellman.rl.Outcome;
import bellman.rl.Phase;
import bellman.rl.env.Corridor;
import bellman.rl.env.Environment;
import bellman.rl.env.Frame;
import bellman.rl.env.Labels;
import bellman.rl.env.Observation;
import bellman.rl.env.Spec;
import bellman.rl.env.Turn;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.metadata.IIOMetadataNode;
import javax.imageio.stream.ImageInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FilmedWorldTest {
  private static final Labels LABELS = new Labels(List.of("a", "b"), List.of());

  /** Agents 0 and 1 see one pixel; an episode of agent i has 3 + 2·i actions. */
  private static final class Dots implements Environment {
    private final int[] age = new int[2];
    private int broken = -1; // the turn in which it is started again
    private int turns;

    @Override
    public Spec spec() {
      return new Spec("Dots", Frame.picture(1, 1, 3), 0, 2);
    }

    private static Observation see(int agent) {
      return Observation.picture(new byte[] {(byte) (agent * 100), 0, 0}, 0);
    }

    private List<Turn.Decision> decisions(float reward) {
      return List.of(
          new Turn.Decision(0, see(0), reward, null), new Turn.Decision(1, see(1), reward, null));
    }

    @Override
    public Turn reset() {
      age[0] = 0;
      age[1] = 0;
      return new Turn(List.of(), decisions(0));
    }

    @Override
    public Turn step(int[] actions) {
      if (turns++ == broken) {
        return new Turn(List.of(), reset().decisions(), true);
      }
      List<Turn.Ending> endings = new ArrayList<>();
      for (int agent = 0; agent < 2; agent++) {
        if (++age[agent] == 3 + 2 * agent) {
          age[agent] = 0;
          endings.add(new Turn.Ending(agent, see(agent), 1, false));
        }
      }
      return new Turn(endings, decisions(0.25f));
    }

    @Override
    public Optional<byte[]> state() {
      return Optional.of(new byte[] {(byte) age[0], (byte) age[1]});
    }

    @Override
    public Turn resume(byte[] state) {
      age[0] = state[0];
      age[1] = state[1];
      return new Turn(List.of(), decisions(0.25f));
    }

    @Override
    public void close() {}
  }

  private final Dots dots = new Dots();
  private final List<String> warnings = new ArrayList<>();
  private int asked;
  private final FilmedWorld world = new FilmedWorld(dots, this::values, LABELS, warnings::add);
  @TempDir private Path folder;

  private float[][] values(List<Turn.Decision> decisions) {
    asked++;
    return new float[decisions.size()][2];
  }

  @AfterEach
  void close() {
    world.close();
  }

  private void play(int turns) {
    world.reset();
    for (int i = 0; i < turns; i++) {
      world.step(new int[] {0, 1});
    }
  }

  /** The pictures' times in hundredths of a second. */
  private static List<Integer> times(Path gif) throws IOException {
    List<Integer> times = new ArrayList<>();
    ImageReader reader = ImageIO.getImageReadersByFormatName("gif").next();
    try (ImageInputStream in = ImageIO.createImageInputStream(gif.toFile())) {
      reader.setInput(in);
      for (int i = 0; i < reader.getNumImages(true); i++) {
        IIOMetadataNode root =
            (IIOMetadataNode) reader.getImageMetadata(i).getAsTree("javax_imageio_gif_image_1.0");
        IIOMetadataNode control =
            (IIOMetadataNode) root.getElementsByTagName("GraphicControlExtension").item(0);
        times.add(Integer.parseInt(control.getAttribute("delayTime")));
      }
    }
    return times;
  }

  /** Agent 0 begins first, and again when it has ended. */
  @Test
  void aPictureForEachActionAndOneForTheEnd() throws IOException {
    Path gif = folder.resolve("f.gif");
    world.film(gif, 2, 100);
    play(20);
    assertThat(times(gif)).containsExactly(40, 40, 40, 120, 40, 40, 40, 120);
    assertThat(new String(Files.readAllBytes(gif), StandardCharsets.ISO_8859_1))
        .startsWith("GIF89a")
        .contains("NETSCAPE2.0\u0003\u0001\u0000\u0000");
    assertThat(asked).as("values are asked for while filming only").isEqualTo(6);
    assertThat(warnings).isEmpty();
  }

  /** Agent 0 has one action left and agent 1 two; a film has whole episodes. */
  @Test
  void whatGoesOnAfterAResumeIsNotFilmed() throws IOException {
    Path gif = folder.resolve("f.gif");
    assertThat(world.resume(new byte[] {2, 3}).decisions()).hasSize(2);
    world.film(gif, 2, 100);
    world.step(new int[] {0, 1});
    assertThat(world.state()).contains(new byte[] {0, 4});
    assertThat(asked).isZero();
    for (int i = 0; i < 10; i++) {
      world.step(new int[] {0, 1});
    }
    assertThat(times(gif)).containsExactly(40, 40, 40, 120, 40, 40, 40, 120);
  }

  @Test
  void aFilmIsNoLongerThanItMayBe() throws IOException {
    Path gif = folder.resolve("f.gif");
    world.film(gif, 2, 5);
    play(20);
    assertThat(times(gif)).containsExactly(40, 40, 40, 120, 40);
  }

  @Test
  void theWorldIsTheSameWithAndWithoutAFilm() {
    List<Turn> plain = new ArrayList<>();
    List<Turn> filmed = new ArrayList<>();
    Dots other = new Dots();
    world.film(folder.resolve("f.gif"), 1, 100);
    plain.add(other.reset());
    filmed.add(world.reset());
    for (int i = 0; i < 10; i++) {
      plain.add(other.step(new int[2]));
      filmed.add(world.step(new int[2]));
    }
    for (int i = 0; i < plain.size(); i++) {
      assertThat(filmed.get(i).endings()).hasSameSizeAs(plain.get(i).endings());
      assertThat(filmed.get(i).decisions())
          .extracting(Turn.Decision::reward)
          .isEqualTo(plain.get(i).decisions().stream().map(Turn.Decision::reward).toList());
    }
    assertThat(world.spec()).isEqualTo(other.spec());
  }

  /**
   * Agents 0 and 1 wait by turns; an episode of agent 0 has 2 actions, one of agent 1 has 4. When
   * the first of agent 0 ends, agent 1 is in the middle of its own.
   */
  private static final class ByTurns implements Environment {
    private final int[] age = new int[2];
    private int turn;

    @Override
    public Spec spec() {
      return new Spec("ByTurns", Frame.picture(1, 1, 3), 0, 2);
    }

    @Override
    public Turn reset() {
      turn = 0;
      return new Turn(List.of(), List.of(new Turn.Decision(0, Dots.see(0), 0, null)));
    }

    @Override
    public Turn step(int[] actions) {
      int acted = turn++ % 2;
      List<Turn.Ending> endings = new ArrayList<>();
      if (++age[acted] == 2 + 2 * acted) {
        age[acted] = 0;
        endings.add(new Turn.Ending(acted, Dots.see(acted), 1, false));
      }
      int waits = turn % 2;
      return new Turn(endings, List.of(new Turn.Decision(waits, Dots.see(waits), 0, null)));
    }

    @Override
    public void close() {}
  }

  @Test
  void anEpisodeIsFilmedFromItsBeginning() throws IOException {
    Path gif = folder.resolve("f.gif");
    try (FilmedWorld turns = new FilmedWorld(new ByTurns(), this::values, LABELS, warnings::add)) {
      turns.film(gif, 2, 100);
      turns.reset();
      for (int i = 0; i < 20; i++) {
        turns.step(new int[1]);
      }
    }
    assertThat(times(gif)).containsExactly(40, 40, 120, 40, 40, 120);
  }

  /** Two turns of an episode, then a new world with a whole one. */
  @Test
  void afterARestartAnotherEpisodeBegins() throws IOException {
    Path gif = folder.resolve("f.gif");
    dots.broken = 1;
    world.film(gif, 2, 100);
    play(20);
    assertThat(times(gif)).containsExactly(40, 40, 40, 40, 40, 120);
  }

  @Test
  void aFilmThatCannotBeWrittenIsOneWarning() throws IOException {
    Path gif = folder.resolve("nowhere/f.gif");
    world.film(gif, 2, 100);
    play(20);
    assertThat(warnings)
        .singleElement()
        .asString()
        .startsWith("the film " + gif + " was not drawn");
  }

  /** In the middle of it, too. */
  @Test
  void aFilmThatFailsLaterIsOneWarning() {
    List<String> said = new ArrayList<>();
    Path gif = folder.resolve("f.gif");
    try (FilmedWorld broken = new FilmedWorld(dots, d -> new float[0][], LABELS, said::add)) {
      broken.film(gif, 2, 100);
      broken.reset();
      for (int i = 0; i < 10; i++) {
        broken.step(new int[2]);
      }
    }
    assertThat(said).hasSize(1);
    assertThat(gif).doesNotExist();
  }

  @Test
  void aVectorCannotBeFilmed() {
    try (Corridor corridor = new Corridor(5);
        FilmedWorld vector = new FilmedWorld(corridor, this::values, LABELS, warnings::add)) {
      assertThatThrownBy(() -> vector.film(folder.resolve("f.gif"), 1, 100))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("Corridor shows its agents [5] floats; only pictures can be filmed");
    }
  }

  @Test
  void theTestPhaseIsFilmedAndSaid() throws IOException {
    Path gif = folder.resolve("f.gif");
    List<String> said = new ArrayList<>();
    FilmObserver observer = new FilmObserver(world, gif, said::add);
    observer.phaseBegan(Phase.TRAINING, 0);
    play(5);
    assertThat(gif).doesNotExist();
    observer.phaseBegan(Phase.TESTING, 5);
    play(5);
    observer.finished(new Outcome(Outcome.Reason.COMPLETED, 10, 2, 0, 1, 1, 1));
    assertThat(times(gif)).containsExactly(40, 40, 40, 120, 40, 40);
    assertThat(said).containsExactly("film of test episodes: " + gif);
  }

  @Test
  void anEarlierRunsFilmIsNotThisOnes() throws IOException {
    Path gif = Files.createFile(folder.resolve("f.gif"));
    List<String> said = new ArrayList<>();
    FilmObserver observer = new FilmObserver(world, gif, said::add);
    observer.phaseBegan(Phase.TRAINING, 0);
    observer.finished(new Outcome(Outcome.Reason.STOPPED, 10, 2, 0, 1, 1, 1));
    assertThat(said).isEmpty();
  }
}
