package bellman.benchmarks;

import bellman.rl.cli.Failure;
import bellman.rl.picture.Page;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.XYStyler;
import org.knowm.xchart.style.markers.Marker;
import org.knowm.xchart.style.markers.SeriesMarkers;

/**
 * Rooflines (Williams, Waterman, Patterson 2009), one below the other for each device: a kernel
 * stands at its FLOP per byte and its GFLOP/s, and the roof above it is what memory (copying) and
 * arithmetic (the largest product) allow there, both as this device did them itself.
 */
final class Roofline {
  private static final int WIDTH = 1200;
  private static final int HEIGHT = 640;

  /** Told apart by those who see few colours, too (Okabe and Ito 2008, without yellow). */
  private static final Map<String, Color> COLORS = colors();

  private static final Color ROOF = new Color(0x555555);

  /** By precision: a roof and a marker. */
  private static final Map<String, BasicStroke> ROOFS = new LinkedHashMap<>();

  private static final Map<String, Marker> MARKERS =
      Map.of(
          "fp32",
          SeriesMarkers.CIRCLE,
          "tf32",
          SeriesMarkers.DIAMOND,
          "bf16",
          SeriesMarkers.CROSS); // seen over a diamond, too: BF16 is often as fast as TF32

  static {
    ROOFS.put("fp32", stroke());
    ROOFS.put("tf32", stroke(9, 5));
    ROOFS.put("bf16", stroke(2, 4));
  }

  private final List<List<Result>> panels = new ArrayList<>();
  private final Map<String, String> devices;
  private final Peaks peaks;

  /**
   * @throws Failure if no result has FLOP and bytes, and its device's peaks beside it
   */
  Roofline(Results results) {
    devices = results.devices();
    peaks = new Peaks(results.results());
    Map<String, List<Result>> byDevice = new LinkedHashMap<>();
    for (Result r : results.results()) {
      boolean placed = r.work().intensity() > 0 && peaks.rate(r) > 0 && peaks.bandwidth(r) > 0;
      if (placed) {
        String place = r.parameter("device") + ", threads: " + r.parameter("threads");
        byDevice.computeIfAbsent(place, key -> new ArrayList<>()).add(r);
      }
    }
    if (byDevice.isEmpty()) {
      throw new Failure(
          "no chart: nothing was measured that has operations and bytes beside its device's peaks;"
              + " take in Gemm, Convolution or Memory");
    }
    panels.addAll(byDevice.values());
  }

  private static Map<String, Color> colors() {
    Map<String, Color> colors = new LinkedHashMap<>();
    colors.put("GEMM, engine", new Color(0x0072b2));
    colors.put("GEMM, tiled", new Color(0x56b4e9));
    colors.put("GEMM, naive", new Color(0x888888));
    colors.put("convolution forward", new Color(0xd55e00));
    colors.put("convolution data", new Color(0xe69f00));
    colors.put("convolution filter", new Color(0xcc79a7));
    colors.put("memory", new Color(0x009e73));
    colors.put("Adam", new Color(0x000000));
    return colors;
  }

  private static BasicStroke stroke(float... dashes) {
    return new BasicStroke(
        2, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 10, dashes.length == 0 ? null : dashes, 0);
  }

  private static String kind(Result r) {
    return switch (r.benchmark().substring(0, r.benchmark().indexOf('.'))) {
      case "GemmBenchmark" -> "GEMM, " + r.parameters().getOrDefault("rung", "engine");
      case "ConvolutionBenchmark" ->
          "convolution " + r.parameter("pass").replace("relu", "forward");
      case "MemoryBenchmark" -> "memory";
      default -> "Adam";
    };
  }

  /** Writes the page as its name ends: {@code .png} or {@code .svg}. */
  void write(Path file) throws IOException {
    new Page(WIDTH, HEIGHT * panels.size(), this::paint).write(file);
  }

  private void paint(Graphics2D g) {
    Graphics2D part = (Graphics2D) g.create();
    for (List<Result> panel : panels) {
      chart(panel).paint(part, WIDTH, HEIGHT);
      part.translate(0, HEIGHT);
    }
    part.dispose();
  }

  // ── one panel ─────────────────────────────────────────────────────────────────────────────────

  private XYChart chart(List<Result> panel) {
    String device = panel.get(0).parameter("device");
    String title = "Roofline of " + devices.getOrDefault(device, device);
    XYChart chart =
        new XYChartBuilder()
            .title(title)
            .xAxisTitle("FLOP per byte of the operands")
            .yAxisTitle("GFLOP/s")
            .build();
    style(chart.getStyler());
    float size = 16f * Math.min(1, 75f / title.length()); // above the plot, beside the legend
    chart.getStyler().setChartTitleFont(new Font(Font.SANS_SERIF, Font.BOLD, Math.round(size)));
    double left = panel.stream().mapToDouble(r -> r.work().intensity()).min().orElse(1);
    double right = panel.stream().mapToDouble(r -> r.work().intensity()).max().orElse(1);
    double low = panel.stream().mapToDouble(Result::rate).min().orElse(1) / 1e9;
    double high = panel.stream().mapToDouble(peaks::rate).max().orElse(1) / 1e9;
    left = decade(left, false);
    right = decade(right, true);
    chart.getStyler().setXAxisMin(left).setXAxisMax(right);
    chart.getStyler().setYAxisMin(decade(low, false)).setYAxisMax(decade(high, true));
    for (String precision : ROOFS.keySet()) {
      panel.stream()
          .filter(r -> precision(r).equals(precision))
          .findFirst()
          .ifPresent(r -> roof(chart, r, left(chart), right(chart)));
    }
    for (String kind : COLORS.keySet()) {
      for (String precision : ROOFS.keySet()) {
        points(chart, panel, kind, precision);
      }
    }
    return chart;
  }

  private static double left(XYChart chart) {
    return chart.getStyler().getXAxisMin();
  }

  private static double right(XYChart chart) {
    return chart.getStyler().getXAxisMax();
  }

  private static String precision(Result r) {
    return r.parameters().getOrDefault("precision", "fp32");
  }

  /** The power of ten below, or above. */
  private static double decade(double value, boolean up) {
    double exponent = Math.log10(value);
    return Double.parseDouble("1e" + (int) (up ? Math.ceil(exponent) : Math.floor(exponent)));
  }

  private void roof(XYChart chart, Result r, double left, double right) {
    double rate = peaks.rate(r) / 1e9;
    double bandwidth = peaks.bandwidth(r) / 1e9;
    double ridge = Math.min(right, Math.max(left, rate / bandwidth));
    String precision = precision(r);
    String name =
        "roof: %s GB/s, %s GFLOP/s %s"
            .formatted(
                Work.digits(bandwidth), Work.digits(rate), precision.toUpperCase(Locale.ROOT));
    XYSeries roof =
        chart.addSeries(
            name,
            new double[] {left, ridge, right},
            new double[] {
              Math.min(rate, left * bandwidth), Math.min(rate, ridge * bandwidth), rate
            });
    roof.setLineColor(ROOF);
    roof.setLineStyle(ROOFS.get(precision));
    roof.setMarker(SeriesMarkers.NONE);
  }

  private static void points(XYChart chart, List<Result> panel, String kind, String precision) {
    List<Result> points =
        panel.stream().filter(r -> kind(r).equals(kind) && precision(r).equals(precision)).toList();
    if (points.isEmpty()) {
      return;
    }
    String name = kind + (precision.equals("fp32") ? "" : " " + precision.toUpperCase(Locale.ROOT));
    XYSeries series =
        chart.addSeries(
            name,
            points.stream().mapToDouble(r -> r.work().intensity()).toArray(),
            points.stream().mapToDouble(r -> r.rate() / 1e9).toArray());
    series.setXYSeriesRenderStyle(XYSeries.XYSeriesRenderStyle.Scatter);
    series.setMarker(MARKERS.get(precision));
    series.setMarkerColor(COLORS.get(kind));
  }

  private static void style(XYStyler styler) {
    Page.style(styler);
    styler.setXAxisLogarithmic(true);
    styler.setYAxisLogarithmic(true);
    styler.setChartTitlePadding(16);
    styler.setLegendPosition(LegendPosition.OutsideE);
    styler.setLegendBorderColor(Color.WHITE);
    styler.setLegendFont(new Font(Font.SANS_SERIF, Font.PLAIN, 12));
    styler.setMarkerSize(9);
    styler.setXAxisTickLabelsFormattingFunction(Roofline::plain);
    styler.setYAxisTickLabelsFormattingFunction(Roofline::plain);
  }

  /** 0.1, 10,000. */
  private static String plain(double tick) {
    return tick < 1
        ? new BigDecimal(tick, new MathContext(3)).stripTrailingZeros().toPlainString()
        : String.format(Locale.ROOT, "%,.0f", tick);
  }
}
