package bellman.rl.picture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.w3c.dom.Element;

class LearningCurvesTest {
  private static final int BLUE = 0x0072b2;
  private static final int VERMILION = 0xd55e00;

  @TempDir private Path folder;

  @BeforeAll
  static void withoutAScreen() {
    System.setProperty("java.awt.headless", "true");
  }

  /** 20 windows of training, 4 of testing. */
  private static RunLog run(String name, double shift) {
    List<RunLog.Window> windows = new ArrayList<>();
    for (int i = 0; i < 24; i++) {
      boolean testing = i >= 20;
      double none = Double.NaN;
      windows.add(
          new RunLog.Window(
              testing,
              100 * i,
              100 * (i + 1),
              shift + 0.04 * i,
              testing || i < 5 ? none : 1.0 / i,
              testing || i < 5 ? none : 0.02 * i,
              testing ? 0.05 : 1 - 0.04 * i));
    }
    return new RunLog(name, windows);
  }

  private BufferedImage png(List<LearningCurves.Group> groups) throws Exception {
    File file = folder.resolve("c.png").toFile();
    new LearningCurves("title", groups).write(file.toPath());
    return ImageIO.read(file);
  }

  private static int count(BufferedImage image, int color, int fromX, int toX) {
    int n = 0;
    for (int y = 0; y < image.getHeight(); y++) {
      for (int x = fromX; x < toX; x++) {
        n += (image.getRGB(x, y) & 0xffffff) == color ? 1 : 0;
      }
    }
    return n;
  }

  @Test
  void everyGroupHasItsColor() throws Exception {
    LearningCurves.Group one = new LearningCurves.Group("one", List.of(run("a", -0.5)));
    LearningCurves.Group two =
        new LearningCurves.Group("two", List.of(run("b", -0.2), run("c", 0.1)));
    BufferedImage alone = png(List.of(one));
    assertThat(alone.getWidth()).isEqualTo(2400);
    assertThat(count(alone, BLUE, 0, 2400)).isGreaterThan(2000);
    assertThat(count(alone, VERMILION, 0, 2400)).isZero();
    BufferedImage both = png(List.of(one, two));
    assertThat(count(both, BLUE, 0, 2400)).isGreaterThan(2000);
    assertThat(count(both, VERMILION, 0, 2400)).isGreaterThan(2000);
  }

  /** Its steps are gray, and the line goes on in them. */
  @Test
  void testingIsShaded() throws Exception {
    LearningCurves.Group one = new LearningCurves.Group("one", List.of(run("a", -0.5)));
    BufferedImage image = png(List.of(one));
    assertThat(count(image, 0xededed, 0, 2400)).isGreaterThan(100_000);
    assertThat(count(image, 0xededed, 900, 1400)).as("edges of letters").isLessThan(1000);
    assertThat(count(image, BLUE, 2000, 2400)).isGreaterThan(100);
  }

  /** Batik has no reader here; what it wrote is XML, of the page's size, with our colours. */
  @Test
  void anSvgHoldsTheSameCurves() throws Exception {
    Path file = folder.resolve("c.svg");
    new LearningCurves("title", List.of(new LearningCurves.Group("a", List.of(run("a", 0)))))
        .write(file);
    DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
    factory.setFeature("http://apache.org/xml/features/nonvalidating/load-external-dtd", false);
    Document document = factory.newDocumentBuilder().parse(file.toFile());
    Element root = document.getDocumentElement();
    assertThat(root.getTagName()).isEqualTo("svg");
    assertThat(root.getAttribute("width")).isEqualTo("1200");
    assertThat(root.getAttribute("height")).isEqualTo("864");
    assertThat(Files.readString(file)).contains("rgb(0,114,178)");
  }

  @Test
  void oneWindowIsAPoint() throws Exception {
    RunLog log =
        new RunLog("a", List.of(new RunLog.Window(false, 0, 50, 1, Double.NaN, Double.NaN, 1)));
    BufferedImage image = png(List.of(new LearningCurves.Group("a", List.of(log))));
    assertThat(count(image, BLUE, 0, 2400)).isGreaterThan(50);
  }

  @Test
  void whatCannotBeDrawnIsRefused() {
    LearningCurves.Group none = new LearningCurves.Group("a", List.of(new RunLog("a", List.of())));
    assertThatThrownBy(() -> new LearningCurves("t", List.of(none)))
        .hasMessage("no run has finished a window of episodes yet");
    LearningCurves curves =
        new LearningCurves("t", List.of(new LearningCurves.Group("a", List.of(run("a", 0)))));
    assertThatThrownBy(() -> curves.write(folder.resolve("c.jpg")))
        .hasMessage(
            folder.resolve("c.jpg")
                + ": pictures are written as .png or .svg; give it one of these endings");
  }
}
