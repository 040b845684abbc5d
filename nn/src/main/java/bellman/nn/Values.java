package bellman.nn;

import bellman.engine.Shape;
import bellman.engine.ShapeException;
import bellman.engine.io.Safetensors;
import bellman.engine.io.SafetensorsWriter;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A parameter's numbers outside the engine, in PyTorch's shape and order. The array is not copied.
 */
public record Values(Shape shape, float[] floats) {
  public Values {
    if (floats.length != shape.size()) {
      throw new ShapeException("values: " + floats.length + " numbers for shape " + shape);
    }
  }

  /** Every array of a file whose name starts with {@code prefix}, by the rest of its name. */
  public static Map<String, Values> read(Safetensors file, String prefix) throws IOException {
    Map<String, Values> values = new LinkedHashMap<>();
    for (Safetensors.Entry e : file.entries().values()) {
      if (e.name().startsWith(prefix)) {
        values.put(e.name().substring(prefix.length()), new Values(e.shape(), e.floats()));
      }
    }
    return values;
  }

  /** Adds every array to a file, named {@code prefix + name}. */
  public static void write(SafetensorsWriter file, String prefix, Map<String, Values> values) {
    values.forEach((name, v) -> file.floats(prefix + name, v.shape, v.floats));
  }
}
