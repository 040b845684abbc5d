package bellman.unity.player;

import bellman.unity.player.EnvironmentParameters.Parameter;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;

/**
 * A player's whole state at the moment at which it waits for actions. A player made from it says
 * the same words again and goes on as if it had never stopped.
 *
 * @param areas one per agent
 * @param parameters what the trainer has set
 * @param endings the episodes that ended in the last step, in the order in which they are reported
 * @param timeScale game seconds per second, 1 or more
 */
public record GridWorldState(
    List<GridAreaState> areas, List<Parameter> parameters, List<Ending> endings, float timeScale) {

  private static final int FORMAT = 0x47574C31; // "GWL1"

  /**
   * An episode that is over and not yet reported.
   *
   * @param agent its id
   * @param last the area after the last action
   * @param interrupted whether it was cut off by the step limit
   */
  public record Ending(int agent, GridAreaState last, boolean interrupted) {}

  /** Copies the lists. */
  public GridWorldState {
    areas = List.copyOf(areas);
    parameters = List.copyOf(parameters);
    endings = List.copyOf(endings);
  }

  /** The state as bytes, for a checkpoint. */
  public byte[] toBytes() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeInt(FORMAT);
      out.writeFloat(timeScale);
      out.writeInt(areas.size());
      for (GridAreaState area : areas) {
        write(area, out);
      }
      out.writeInt(parameters.size());
      for (Parameter p : parameters) {
        out.writeUTF(p.name());
        out.writeInt(p.kind().ordinal());
        out.writeInt(p.numbers().size());
        for (float number : p.numbers()) {
          out.writeFloat(number);
        }
        out.writeInt(p.seed());
        out.writeLong(p.random());
      }
      out.writeInt(endings.size());
      for (Ending ending : endings) {
        out.writeInt(ending.agent());
        write(ending.last(), out);
        out.writeBoolean(ending.interrupted());
      }
    } catch (IOException e) {
      throw new UncheckedIOException("gridworld state: cannot be written to memory", e);
    }
    return bytes.toByteArray();
  }

  /**
   * The state that {@link #toBytes} wrote.
   *
   * @throws IllegalArgumentException when the bytes are something else
   */
  public static GridWorldState fromBytes(byte[] bytes) {
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
      int format = in.readInt();
      if (format != FORMAT) {
        throw new IllegalArgumentException(
            "gridworld state: begins with %08x, expected %08x; this is no saved GridWorld, or one of another version"
                .formatted(format, FORMAT));
      }
      float timeScale = in.readFloat();
      List<GridAreaState> areas = new ArrayList<>();
      for (int left = in.readInt(); left > 0; left--) {
        areas.add(readArea(in));
      }
      List<Parameter> parameters = new ArrayList<>();
      for (int left = in.readInt(); left > 0; left--) {
        String name = in.readUTF();
        Parameter.Kind kind = Parameter.Kind.values()[in.readInt()];
        List<Float> numbers = new ArrayList<>();
        for (int more = in.readInt(); more > 0; more--) {
          numbers.add(in.readFloat());
        }
        parameters.add(new Parameter(name, kind, numbers, in.readInt(), in.readLong()));
      }
      List<Ending> endings = new ArrayList<>();
      for (int left = in.readInt(); left > 0; left--) {
        endings.add(new Ending(in.readInt(), readArea(in), in.readBoolean()));
      }
      return new GridWorldState(areas, parameters, endings, timeScale);
    } catch (IOException | IndexOutOfBoundsException e) {
      throw new IllegalArgumentException(
          "gridworld state: %d bytes are cut short or damaged; save it anew"
              .formatted(bytes.length),
          e);
    }
  }

  private static void write(GridAreaState area, DataOutputStream out) throws IOException {
    out.writeInt(area.gridSize());
    out.writeInt(area.x());
    out.writeInt(area.z());
    for (List<Integer> cells : List.of(area.pluses(), area.exes())) {
      out.writeInt(cells.size());
      for (int cell : cells) {
        out.writeInt(cell);
      }
    }
    out.writeInt(area.goal().ordinal());
    out.writeInt(area.steps());
    out.writeFloat(area.reward());
    out.writeBoolean(area.masksSeen());
    out.writeInt(area.mask());
    out.writeLong(area.random());
  }

  private static GridAreaState readArea(DataInputStream in) throws IOException {
    return new GridAreaState(
        in.readInt(),
        in.readInt(),
        in.readInt(),
        readCells(in),
        readCells(in),
        GridAreaState.Goal.values()[in.readInt()],
        in.readInt(),
        in.readFloat(),
        in.readBoolean(),
        in.readInt(),
        in.readLong());
  }

  private static List<Integer> readCells(DataInputStream in) throws IOException {
    List<Integer> cells = new ArrayList<>();
    for (int left = in.readInt(); left > 0; left--) {
      cells.add(in.readInt());
    }
    return cells;
  }
}
