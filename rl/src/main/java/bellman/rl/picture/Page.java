package bellman.rl.picture;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Dimension;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.function.Consumer;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.apache.batik.svggen.SVGGraphics2D;
import org.knowm.xchart.style.XYStyler;

/**
 * Something drawn that becomes a file.
 *
 * @param width in units of the drawing, of which each is two pixels of a PNG
 * @param painting draws all of it
 */
public record Page(int width, int height, Consumer<Graphics2D> painting) {
  private static final int SCALE = 2;

  /** Of text and lines. */
  public static final Color INK = new Color(0x333333);

  private static final Color GRID = new Color(0xe3e3e3);

  /** What all charts have in common: ink on white, a quiet grid, no boxes. */
  public static void style(XYStyler styler) {
    styler.setChartBackgroundColor(Color.WHITE);
    styler.setChartFontColor(INK);
    styler.setChartTitleBoxVisible(false);
    styler.setChartPadding(20);
    styler.setPlotBackgroundColor(Color.WHITE);
    styler.setPlotBorderVisible(false);
    styler.setPlotGridLinesColor(GRID);
    styler.setPlotGridLinesStroke(new BasicStroke(1));
    styler.setPlotMargin(0);
    styler.setPlotContentSize(1);
    styler.setLocale(Locale.ROOT);
    styler.setAxisTickLabelsFont(new Font(Font.SANS_SERIF, Font.PLAIN, 12));
    styler.setAxisTickLabelsColor(INK);
    styler.setAxisTitleFont(new Font(Font.SANS_SERIF, Font.PLAIN, 13));
  }

  private static boolean ends(Path file, String ending) {
    return file.getFileName().toString().toLowerCase(Locale.ROOT).endsWith(ending);
  }

  /**
   * Checks a name before there is something to draw.
   *
   * @throws IllegalArgumentException if it ends neither in .png nor in .svg
   */
  public static void requireKnown(Path file) {
    if (!ends(file, ".png") && !ends(file, ".svg")) {
      throw new IllegalArgumentException(
          file + ": pictures are written as .png or .svg; give it one of these endings");
    }
  }

  /**
   * Writes the page as the file's name ends: {@code .png} or {@code .svg}.
   *
   * @throws IllegalArgumentException if it ends otherwise
   * @throws IOException if it cannot be written, or Java cannot draw here
   */
  public void write(Path file) throws IOException {
    requireKnown(file);
    Drawing drawing = ends(file, ".png") ? () -> writePng(file) : () -> writeSvg(file);
    drawing.attempt();
  }

  private void writePng(Path file) throws IOException {
    BufferedImage image =
        new BufferedImage(SCALE * width, SCALE * height, BufferedImage.TYPE_INT_RGB);
    Graphics2D g = image.createGraphics();
    g.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
    g.scale(SCALE, SCALE);
    painting.accept(g);
    g.dispose();
    if (!ImageIO.write(image, "png", file.toFile())) {
      throw new IOException("this Java writes no PNG");
    }
  }

  private void writeSvg(Path file) throws IOException {
    SVGGraphics2D g;
    try {
      g =
          new SVGGraphics2D(
              DocumentBuilderFactory.newInstance()
                  .newDocumentBuilder()
                  .getDOMImplementation()
                  .createDocument("http://www.w3.org/2000/svg", "svg", null));
    } catch (ParserConfigurationException e) {
      throw new IOException(e);
    }
    g.setSVGCanvasSize(new Dimension(width, height));
    painting.accept(g);
    try (Writer out = new OutputStreamWriter(Files.newOutputStream(file), StandardCharsets.UTF_8)) {
      g.stream(out, false);
    }
  }
}
