package bellman.unity.player;

import java.util.List;

/**
 * What the camera above an area sees: 64 rows × 84 columns × RGB bytes, row 0 at the top, in closed
 * form.
 *
 * <p>The camera looks straight down and is as high as the grid, so a pixel is {@code g / 64} cells
 * wide for a grid of {@code g} × {@code g}. Pixel (px, py), taken at its centre, lies at
 *
 * <pre>
 * X = (g − 1)/2 + (px + ½ − 42)·g/64      Z = (g − 1)/2 + (32 − (py + ½))·g/64
 * </pre>
 *
 * and shows, with dx and dz the distances from a cell's centre, the last of these that holds:
 * floor; wall beside the grid; an ex, two diagonal bars of 1 × 0.2 cells; a plus, two straight bars
 * of the same size; the agent, a square ring whose hole is 0.6 cells wide. Colours are constant:
 * Unity's soft shadows on the floor are left out.
 */
public final class GridWorldPicture {
  /** Rows. */
  public static final int HEIGHT = 64;

  /** Columns. */
  public static final int WIDTH = 84;

  /** Colours, 0xRRGGBB. */
  public static final int FLOOR = 0x474A4F;

  public static final int WALL = 0x898B8F;
  public static final int PLUS = 0x8CEE97;
  public static final int EX = 0xEE5C4B;
  public static final int AGENT = 0x3EC3FF;

  // Walls lie where |X − (g−1)/2| > g/2, that is |px − 41.5| > 32, whatever g is.
  private static final int WALL_COLUMNS = 10;
  private static final double DIAGONAL = Math.sqrt(2);
  private static final byte[] EMPTY = empty();

  private GridWorldPicture() {}

  /** Draws an area: bytes [64, 84, 3]. */
  public static byte[] draw(GridAreaState area) {
    byte[] rgb = EMPTY.clone();
    drawAll(Shape.EX, area.exes(), area.gridSize(), EX, rgb);
    drawAll(Shape.PLUS, area.pluses(), area.gridSize(), PLUS, rgb);
    draw(Shape.AGENT, area.x(), area.z(), area.gridSize(), AGENT, rgb);
    return rgb;
  }

  private enum Shape {
    EX {
      @Override
      boolean covers(double dx, double dz) {
        double u = Math.abs(dx + dz) / DIAGONAL;
        double v = Math.abs(dx - dz) / DIAGONAL;
        return u <= .1 && v <= .5 || v <= .1 && u <= .5;
      }
    },
    PLUS {
      @Override
      boolean covers(double dx, double dz) {
        double x = Math.abs(dx);
        double z = Math.abs(dz);
        return x <= .5 && z <= .1 || x <= .1 && z <= .5;
      }
    },
    AGENT {
      @Override
      boolean covers(double dx, double dz) {
        double x = Math.abs(dx);
        double z = Math.abs(dz);
        return x <= .5 && z <= .5 && !(x < .3 && z < .3);
      }
    };

    abstract boolean covers(double dx, double dz);
  }

  private static void drawAll(Shape shape, List<Integer> cells, int g, int colour, byte[] rgb) {
    for (int cell : cells) {
      draw(shape, cell / g, cell % g, g, colour, rgb);
    }
  }

  private static void draw(Shape shape, int x, int z, int g, int colour, byte[] rgb) {
    double half = (g - 1) / 2.0;
    // No shape leaves its cell; one pixel more on each side makes rounding harmless.
    int left = (int) Math.floor((x - .5 - half) * 64 / g + 41.5) - 1;
    int right = (int) Math.ceil((x + .5 - half) * 64 / g + 41.5) + 1;
    int top = (int) Math.floor(31.5 - (z + .5 - half) * 64 / g) - 1;
    int bottom = (int) Math.ceil(31.5 - (z - .5 - half) * 64 / g) + 1;
    for (int py = Math.max(top, 0); py <= Math.min(bottom, HEIGHT - 1); py++) {
      double dz = half + (32 - (py + .5)) * g / 64 - z;
      for (int px = Math.max(left, 0); px <= Math.min(right, WIDTH - 1); px++) {
        double dx = half + (px + .5 - 42) * g / 64 - x;
        if (shape.covers(dx, dz)) {
          paint(rgb, (py * WIDTH + px) * 3, colour);
        }
      }
    }
  }

  private static byte[] empty() {
    byte[] rgb = new byte[HEIGHT * WIDTH * 3];
    for (int i = 0; i < HEIGHT * WIDTH; i++) {
      int px = i % WIDTH;
      boolean wall = px < WALL_COLUMNS || px >= WIDTH - WALL_COLUMNS;
      paint(rgb, i * 3, wall ? WALL : FLOOR);
    }
    return rgb;
  }

  private static void paint(byte[] rgb, int at, int colour) {
    rgb[at] = (byte) (colour >> 16);
    rgb[at + 1] = (byte) (colour >> 8);
    rgb[at + 2] = (byte) colour;
  }
}
