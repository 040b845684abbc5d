package bellman.rl.picture;

import bellman.rl.env.Frame;
import bellman.rl.env.Labels;
import java.awt.Color;
import java.awt.Font;
import java.awt.FontMetrics;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.util.Locale;

/**
 * Draws moments of episodes: what the agent sees, enlarged without smoothing, and beside it the
 * goal, the return so far, and Q(s, a) of every action as a bar, with the chosen one marked. The
 * bars' scale widens to what has been drawn so far, so that they can be compared within a film.
 */
final class Scene {
  private static final int PICTURE = 320; // about its height, in pixels
  private static final int PANEL = 300;
  private static final int MARGIN = 14;
  private static final int LINE = 22;
  private static final int ROW = 34;

  private static final Color PAPER = Color.WHITE;
  private static final Color PALE = new Color(0xb0b0b0);
  private static final Color BAR = new Color(0xa9c8de);
  private static final Color CHOSEN = new Color(0x0072b2);
  private static final Color GOOD = new Color(0x009e73);
  private static final Color BAD = new Color(0xd55e00);

  private final String world;
  private final Frame frame;
  private final Labels labels;
  private final int width;
  private final int height;
  private final int row;
  private double lowest;
  private double highest;

  /**
   * @param frame a picture
   */
  Scene(String world, Frame frame, Labels labels) {
    this.world = world;
    this.frame = frame;
    this.labels = labels;
    double scale = scale(frame.height());
    width = (int) Math.round(frame.width() * scale);
    height = (int) Math.round(frame.height() * scale);
    int rows = labels.actions().size();
    row = Math.max(14, Math.min(ROW, (Math.max(height, PICTURE) - 5 * LINE) / rows));
  }

  /** Whole numbers above 1, so that every pixel becomes a square. */
  private static double scale(int height) {
    return height <= PICTURE
        ? Math.max(1, Math.floorDiv(PICTURE, height))
        : (double) PICTURE / height;
  }

  /** The picture of a moment. */
  BufferedImage draw(Moment m) {
    int tall = Math.max(height, 5 * LINE + row * labels.actions().size()) + 2 * MARGIN;
    BufferedImage image =
        new BufferedImage(width + PANEL + 3 * MARGIN, tall, BufferedImage.TYPE_INT_RGB);
    Graphics2D g = image.createGraphics();
    g.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
    g.setRenderingHint(
        RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
    g.setColor(PAPER);
    g.fillRect(0, 0, image.getWidth(), image.getHeight());
    g.drawImage(seen(m), MARGIN, (tall - height) / 2, width, height, null); // nearest neighbour
    g.translate(width + 2 * MARGIN, MARGIN);
    head(g, m);
    g.translate(0, 4 * LINE + 6);
    if (m.ending() == null) {
      bars(g, m);
    } else {
      verdict(g, m);
    }
    g.dispose();
    return image;
  }

  /** The newest picture of a stack: its last three channels, or its last one. */
  private BufferedImage seen(Moment m) {
    BufferedImage image =
        new BufferedImage(frame.width(), frame.height(), BufferedImage.TYPE_INT_RGB);
    byte[] pixels = m.seen().pixels();
    int c = frame.channels();
    for (int y = 0; y < frame.height(); y++) {
      for (int x = 0; x < frame.width(); x++) {
        int end = (y * frame.width() + x) * c + c;
        int blue = pixels[end - 1] & 255;
        int red = c % 3 == 0 ? pixels[end - 3] & 255 : blue;
        int green = c % 3 == 0 ? pixels[end - 2] & 255 : blue;
        image.setRGB(x, y, red << 16 | green << 8 | blue);
      }
    }
    return image;
  }

  private void head(Graphics2D g, Moment m) {
    g.setColor(Page.INK);
    g.setFont(font(Font.BOLD, 16));
    g.drawString(world, 0, LINE - 6);
    g.setFont(font(Font.PLAIN, 14));
    g.drawString("episode %d, step %d".formatted(m.episode(), m.step()), 0, 2 * LINE - 6);
    g.drawString("return %s".formatted(number(m.sum())), 0, 3 * LINE - 6);
    if (!labels.goals().isEmpty()) {
      g.setFont(font(Font.BOLD, 14));
      g.drawString("goal: " + labels.goals().get(m.seen().goal()), 0, 4 * LINE - 6);
    }
  }

  private void bars(Graphics2D g, Moment m) {
    for (float q : m.q()) {
      if (Float.isFinite(q)) {
        lowest = Math.min(lowest, q);
        highest = Math.max(highest, q);
      }
    }
    int size = Math.max(9, Math.min(14, row - 5));
    FontMetrics bold = g.getFontMetrics(font(Font.BOLD, size));
    int names =
        Math.min(90, labels.actions().stream().mapToInt(bold::stringWidth).max().orElse(0)) + 10;
    int numbers = bold.stringWidth("−00.000");
    int room = PANEL - names - numbers - 6;
    double unit = highest > lowest ? room / (highest - lowest) : 0;
    int zero = names + (int) Math.round(-lowest * unit);
    g.setColor(Page.INK);
    g.setFont(font(Font.PLAIN, 12));
    g.drawString("Q(s, a)", 0, LINE - 8);
    if (m.action() != m.best()) {
      String random = "a random action";
      g.setColor(BAD);
      g.drawString(random, PANEL - g.getFontMetrics().stringWidth(random), LINE - 8);
    }
    g.translate(0, LINE - 2);
    for (int a = 0; a < m.q().length; a++) {
      boolean chosen = a == m.action();
      boolean masked = Float.isNaN(m.q()[a]);
      int y = a * row;
      int base = y + (row + bold.getAscent() - bold.getDescent()) / 2;
      if (!masked) {
        int to = zero + (int) Math.round(m.q()[a] * unit);
        g.setColor(chosen ? CHOSEN : BAR);
        g.fillRect(
            Math.min(zero, to), y + row / 8, Math.max(1, Math.abs(to - zero)), row - row / 4);
      }
      g.setColor(masked ? PALE : chosen ? CHOSEN : Page.INK);
      g.setFont(font(chosen ? Font.BOLD : Font.PLAIN, size));
      g.drawString(labels.actions().get(a), 0, base);
      String text = masked ? "masked" : number(m.q()[a]);
      g.drawString(text, PANEL - g.getFontMetrics().stringWidth(text), base);
    }
    g.setColor(Page.INK);
    g.drawLine(zero, 0, zero, row * m.q().length);
  }

  private void verdict(Graphics2D g, Moment m) {
    boolean goals = !labels.goals().isEmpty();
    g.setFont(font(Font.BOLD, 22));
    g.setColor(m.ending() == Moment.Ending.SUCCESS ? GOOD : BAD);
    String word =
        switch (m.ending()) {
          case SUCCESS -> goals ? "right goal" : "ended";
          case FAILURE -> goals ? "wrong goal" : "ended";
          case TIME_OUT -> "time is up";
        };
    g.drawString(word, 0, 2 * LINE);
  }

  private static String number(double x) {
    return String.format(Locale.ROOT, "%.3f", x).replace('-', '−');
  }

  private static Font font(int style, int size) {
    return new Font(Font.SANS_SERIF, style, size);
  }
}
