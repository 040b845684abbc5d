package bellman.rl.picture;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.file.Path;
import java.util.List;
import java.util.function.ToDoubleFunction;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.XYStyler;
import org.knowm.xchart.style.markers.SeriesMarkers;

/**
 * Learning curves on one page: mean return above; loss, mean Q(s, a) and ε below. Each group of
 * runs is a line with a band, as {@link Curve} has them; testing is dashed, and its steps are
 * shaded where all runs begin it at the same one.
 */
public final class LearningCurves {
  /**
   * Runs that make one curve.
   *
   * @param label names it in the legend
   */
  public record Group(String label, List<RunLog> runs) {
    public Group {
      runs = List.copyOf(runs);
    }
  }

  private static final int WIDTH = 1200;
  private static final int HEAD = 62;
  private static final int ENTRY = 22;
  private static final int MARGIN = 24;
  private static final int UPPER = 440;
  private static final int LOWER = 340;

  /** Told apart by those who see few colours, too (Okabe and Ito 2008, without yellow). */
  private static final List<Color> COLORS =
      List.of(
          new Color(0x0072b2),
          new Color(0xd55e00),
          new Color(0x009e73),
          new Color(0xcc79a7),
          new Color(0xe69f00),
          new Color(0x56b4e9),
          new Color(0x555555));

  private static final Color SHADE = new Color(0, 0, 0, 18);
  private static final float[] DASHES = {6, 4};

  private final String title;
  private final List<Group> groups;
  private final List<RunLog> runs;
  private final double piece;

  /**
   * @param title of the page
   * @throws IllegalArgumentException if no run has a window
   */
  public LearningCurves(String title, List<Group> groups) {
    this.title = title;
    this.groups = List.copyOf(groups);
    runs = groups.stream().flatMap(g -> g.runs().stream()).toList();
    if (runs.stream().allMatch(run -> run.windows().isEmpty())) {
      throw new IllegalArgumentException("no run has finished a window of episodes yet");
    }
    piece = Curve.piece(runs.stream().filter(run -> !run.windows().isEmpty()).toList());
  }

  /**
   * Writes the page as its name ends: {@code .png} or {@code .svg}.
   *
   * @throws IllegalArgumentException if it ends otherwise
   * @throws IOException if it cannot be written, or Java cannot draw here
   */
  public void write(Path file) throws IOException {
    new Page(WIDTH, height(), this::paint).write(file);
  }

  private int height() {
    return HEAD + ENTRY * groups.size() + UPPER + LOWER;
  }

  private void paint(Graphics2D g) {
    g.setColor(Color.WHITE);
    g.fillRect(0, 0, WIDTH, height());
    head(g);
    Graphics2D part = (Graphics2D) g.create();
    part.translate(0, HEAD + ENTRY * groups.size());
    chart("Return", "mean return", RunLog.Window::meanReturn).paint(part, WIDTH, UPPER);
    part.translate(0, UPPER);
    List<XYChart> lower =
        List.of(
            chart("Loss", "TD loss", RunLog.Window::loss),
            chart("Value", "mean Q(s, a)", RunLog.Window::meanQ),
            chart("Random actions", "epsilon", RunLog.Window::epsilon));
    for (XYChart chart : lower) {
      chart.paint(part, WIDTH / lower.size(), LOWER);
      part.translate(WIDTH / lower.size(), 0);
    }
    part.dispose();
  }

  /** The title and, where it covers no curve, the legend. */
  private void head(Graphics2D g) {
    g.setColor(Page.INK);
    g.setFont(new Font(Font.SANS_SERIF, Font.BOLD, 19));
    g.drawString(title, MARGIN, 34);
    g.setFont(new Font(Font.SANS_SERIF, Font.PLAIN, 14));
    int y = HEAD;
    for (int i = 0; i < groups.size(); i++) {
      Group group = groups.get(i);
      g.setColor(band(color(i)));
      g.fillRect(MARGIN, y - 11, 30, 14);
      g.setColor(color(i));
      g.fillRect(MARGIN, y - 5, 30, 2);
      g.setColor(Page.INK);
      int n = group.runs().size();
      g.drawString(
          n == 1
              ? group.label() + ": mean, and range of its windows of episodes"
              : "%s: mean and range of %d runs".formatted(group.label(), n),
          MARGIN + 40,
          y);
      y += ENTRY;
    }
    if (runs.stream().anyMatch(run -> run.windows().stream().anyMatch(RunLog.Window::testing))) {
      int x = WIDTH - 170;
      if (testBegins() < Double.POSITIVE_INFINITY) {
        g.setColor(SHADE);
        g.fillRect(x, HEAD - 11, 30, 14);
      }
      g.setColor(Page.INK);
      g.setStroke(dashes());
      g.drawLine(x, HEAD - 4, x + 30, HEAD - 4);
      g.drawString("test phase", x + 40, HEAD);
    }
  }

  private static Color color(int group) {
    return COLORS.get(group % COLORS.size());
  }

  private static Color band(Color line) {
    return new Color(line.getRed(), line.getGreen(), line.getBlue(), 50);
  }

  private static BasicStroke dashes() {
    return new BasicStroke(2, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 10, DASHES, 0);
  }

  // ── one chart ─────────────────────────────────────────────────────────────────────────────────

  private XYChart chart(String name, String unit, ToDoubleFunction<RunLog.Window> figure) {
    XYChart chart =
        new XYChartBuilder().title(name).xAxisTitle("agent steps").yAxisTitle(unit).build();
    style(chart.getStyler());
    double low = Double.POSITIVE_INFINITY;
    double high = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < groups.size(); i++) {
      Color color = color(i);
      for (boolean testing : new boolean[] {false, true}) {
        Curve curve = Curve.of(groups.get(i).runs(), piece, w -> w.testing() == testing, figure);
        if (curve.size() > 0) {
          band(chart, i + " band " + testing, curve, color);
          line(chart, i, testing, curve, color);
          for (int p = 0; p < curve.size(); p++) {
            low = Math.min(low, curve.low()[p]);
            high = Math.max(high, curve.high()[p]);
          }
        }
      }
    }
    double margin = high > low ? 0.05 * (high - low) : Math.max(0.01, 0.05 * Math.abs(high));
    if (Double.isFinite(low)) {
      range(chart, low - margin, high + margin);
    } else {
      range(chart, 0, 1);
    }
    return chart;
  }

  private void range(XYChart chart, double low, double high) {
    chart.getStyler().setYAxisMin(low).setYAxisMax(high);
    double end = runs.stream().mapToDouble(RunLog::steps).max().orElse(1);
    chart.getStyler().setXAxisMin(0.0).setXAxisMax(end);
    double from = testBegins();
    double[] x = {from, end, end, from};
    double[] y = {low, low, high, high};
    if (from < end) {
      XYSeries shade = chart.addSeries("test phase", x, y);
      shade.setXYSeriesRenderStyle(XYSeries.XYSeriesRenderStyle.PolygonArea);
      shade.setFillColor(SHADE);
      shade.setLineColor(new Color(0, 0, 0, 0));
      shade.setMarker(SeriesMarkers.NONE);
    } else if (chart.getSeriesCollection().isEmpty()) {
      XYSeries nothing = chart.addSeries("none", new double[] {0, end}, new double[] {low, low});
      nothing.setLineColor(new Color(0, 0, 0, 0));
      nothing.setMarker(SeriesMarkers.NONE);
    }
  }

  /** The step at which all runs that test begin to; +∞ if there is none. */
  private double testBegins() {
    double[] begins =
        runs.stream()
            .flatMap(run -> run.windows().stream().filter(RunLog.Window::testing).limit(1))
            .mapToDouble(RunLog.Window::from)
            .distinct()
            .toArray();
    return begins.length == 1 ? begins[0] : Double.POSITIVE_INFINITY;
  }

  private static void band(XYChart chart, String name, Curve curve, Color color) {
    int n = curve.size();
    double[] x = new double[2 * n];
    double[] y = new double[2 * n];
    for (int i = 0; i < n; i++) {
      x[i] = curve.steps()[i];
      y[i] = curve.high()[i];
      x[2 * n - 1 - i] = curve.steps()[i];
      y[2 * n - 1 - i] = curve.low()[i];
    }
    XYSeries series = chart.addSeries(name, x, y);
    series.setXYSeriesRenderStyle(XYSeries.XYSeriesRenderStyle.PolygonArea);
    series.setFillColor(band(color));
    series.setLineColor(new Color(0, 0, 0, 0));
    series.setMarker(SeriesMarkers.NONE);
  }

  private static void line(XYChart chart, int group, boolean testing, Curve curve, Color color) {
    XYSeries series =
        chart.addSeries(group + (testing ? " test" : ""), curve.steps(), curve.mean());
    series.setLineColor(color);
    series.setLineStyle(
        testing ? dashes() : new BasicStroke(2, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND));
    series.setMarker(curve.size() < 3 ? SeriesMarkers.CIRCLE : SeriesMarkers.NONE);
    series.setMarkerColor(color);
  }

  private static void style(XYStyler styler) {
    Page.style(styler);
    styler.setChartTitleFont(new Font(Font.SANS_SERIF, Font.BOLD, 15));
    styler.setChartTitlePadding(8);
    styler.setLegendVisible(false);
    styler.setMarkerSize(6);
    styler.setXAxisDecimalPattern("#,###");
    styler.setYAxisTickLabelsFormattingFunction(LearningCurves::plain);
    styler.setXAxisTickMarkSpacingHint(80);
  }

  /** 0.025, not .025 or 0.025000000000000001. */
  private static String plain(double tick) {
    return tick == 0
        ? "0"
        : new BigDecimal(tick, new MathContext(6)).stripTrailingZeros().toPlainString();
  }
}
