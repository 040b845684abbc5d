package bellman.engine.io;

import bellman.engine.Shape;
import bellman.engine.ShapeException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * A checked header.
 *
 * @param dataAt where the data begins in the file
 */
record SafetensorsHeader(
    Map<String, String> metadata, Map<String, Safetensors.Entry> entries, long dataAt) {
  static final String METADATA = "__metadata__";

  /** Metadata: CRC-32C of the data, in 8 hexadecimal digits. */
  static final String CHECKSUM = "bellman.crc32c";

  /** The format's own limit. */
  static final long MAX_BYTES = 100_000_000;

  private static final Set<String> KEYS = new TreeSet<>(Set.of("dtype", "shape", "data_offsets"));
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY);

  /** An array's place, counted from the first byte of data. */
  private record Place(String name, long begin, long end) {}

  static SafetensorsHeader read(Safetensors file, Path path, FileChannel channel)
      throws IOException {
    long size = channel.size();
    if (size < 8) {
      throw new SafetensorsException(
          path, "not a safetensors file: " + size + " bytes, the header's length alone takes 8");
    }
    ByteBuffer first = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    fill(path, channel, first, 0);
    long length = first.getLong();
    if (length < 2 || length > MAX_BYTES) {
      throw new SafetensorsException(
          path,
          "not a safetensors file: its first 8 bytes state a header of "
              + Long.toUnsignedString(length)
              + " bytes; sound headers have 2 to "
              + MAX_BYTES);
    }
    if (length > size - 8) {
      throw new SafetensorsException(
          path,
          "truncated, or not a safetensors file: a header of "
              + length
              + " bytes is stated, "
              + (size - 8)
              + " follow");
    }
    ByteBuffer text = ByteBuffer.allocate((int) length);
    fill(path, channel, text, 8);
    return new Reading(file, path, 8 + length, size - 8 - length).header(decoded(path, text));
  }

  /** Fills {@code to} from the file's bytes from {@code at} on, and rewinds it. */
  static void fill(Path path, FileChannel channel, ByteBuffer to, long at) throws IOException {
    while (to.hasRemaining()) {
      if (channel.read(to, at + to.position()) < 0) {
        throw new SafetensorsException(
            path, "truncated while it was read: no byte " + (at + to.position()));
      }
    }
    to.flip();
  }

  private static String decoded(Path path, ByteBuffer text) throws SafetensorsException {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(text).toString();
    } catch (CharacterCodingException e) {
      throw new SafetensorsException(path, "not a safetensors file: the header is not UTF-8");
    }
  }

  /** One pass over a header's text. */
  private static final class Reading {
    private final Safetensors file;
    private final Path path;
    private final long dataAt;
    private final long dataBytes;
    private final Map<String, String> metadata = new LinkedHashMap<>();
    private final Map<String, Safetensors.Entry> entries = new LinkedHashMap<>();
    private final List<Place> places = new ArrayList<>();

    Reading(Safetensors file, Path path, long dataAt, long dataBytes) {
      this.file = file;
      this.path = path;
      this.dataAt = dataAt;
      this.dataBytes = dataBytes;
    }

    SafetensorsHeader header(String text) throws IOException {
      boolean metadataSeen = false;
      try (JsonParser parser = JSON.createParser(text)) {
        if (parser.nextToken() != JsonToken.START_OBJECT) {
          throw wrong("not a safetensors file: the header is not a JSON object");
        }
        for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
          parser.nextToken();
          JsonNode value = JSON.readTree(parser);
          if (entries.containsKey(name) || name.equals(METADATA) && metadataSeen) {
            throw wrong("the header names '" + name + "' twice");
          }
          if (name.equals(METADATA)) {
            metadataSeen = true;
            readMetadata(value);
          } else {
            readEntry(name, value);
          }
        }
        if (parser.nextToken() != null) {
          throw wrong("the header goes on after its JSON object; only spaces may follow");
        }
      } catch (JsonProcessingException e) {
        throw wrong("not a safetensors file: the header is not JSON: " + e.getOriginalMessage());
      }
      checkPlaces();
      return new SafetensorsHeader(metadata, entries, dataAt);
    }

    private void readMetadata(JsonNode value) throws SafetensorsException {
      if (!value.isObject()) {
        throw wrong(METADATA + " must be an object of strings, it is " + value);
      }
      for (Map.Entry<String, JsonNode> e : value.properties()) {
        if (!e.getValue().isTextual()) {
          throw wrong(METADATA + "." + e.getKey() + " must be a string, it is " + e.getValue());
        }
        metadata.put(e.getKey(), e.getValue().textValue());
      }
    }

    private void readEntry(String name, JsonNode value) throws SafetensorsException {
      Set<String> keys = new TreeSet<>();
      value.fieldNames().forEachRemaining(keys::add);
      if (!keys.equals(KEYS)) {
        throw wrong("tensor '" + name + "' must have the keys " + KEYS + ", it has " + keys);
      }
      Safetensors.Type type = type(name, value.get("dtype"));
      Shape shape = shape(name, value.get("shape"));
      long[] offsets = wholeNumbers(name, "data_offsets", value.get("data_offsets"));
      if (offsets.length != 2 || offsets[0] > offsets[1]) {
        throw wrong(
            "tensor '"
                + name
                + "': data_offsets must be [begin, end] with begin ≤ end, got "
                + value.get("data_offsets"));
      }
      long stated = offsets[1] - offsets[0];
      if (shape.size() > Long.MAX_VALUE / 8 || stated != shape.size() * type.bytes()) {
        throw wrong(
            "tensor '"
                + name
                + "': "
                + type
                + " "
                + shape
                + " takes "
                + shape.size()
                + " × "
                + type.bytes()
                + " bytes, its data_offsets hold "
                + stated);
      }
      entries.put(name, new Safetensors.Entry(file, name, type, shape, dataAt + offsets[0]));
      places.add(new Place(name, offsets[0], offsets[1]));
    }

    private Safetensors.Type type(String name, JsonNode node) throws SafetensorsException {
      for (Safetensors.Type type : Safetensors.Type.values()) {
        if (node.isTextual() && type.name().equals(node.textValue())) {
          return type;
        }
      }
      throw wrong(
          "tensor '"
              + name
              + "' has the unknown dtype "
              + node
              + "; known are "
              + List.of(Safetensors.Type.values()));
    }

    private Shape shape(String name, JsonNode node) throws SafetensorsException {
      long[] sizes = wholeNumbers(name, "shape", node);
      int[] dims = new int[sizes.length];
      for (int i = 0; i < dims.length; i++) {
        if (sizes[i] > Integer.MAX_VALUE) {
          throw wrong("tensor '" + name + "': shape " + node + " is too large");
        }
        dims[i] = (int) sizes[i];
      }
      try {
        return Shape.of(dims);
      } catch (ShapeException | ArithmeticException e) {
        throw wrong("tensor '" + name + "': shape " + node + " is too large");
      }
    }

    private long[] wholeNumbers(String name, String key, JsonNode node)
        throws SafetensorsException {
      boolean sound = node.isArray();
      long[] values = new long[node.size()];
      for (int i = 0; sound && i < values.length; i++) {
        sound = node.get(i).isIntegralNumber() && node.get(i).canConvertToLong();
        values[i] = node.get(i).longValue();
        sound = sound && values[i] >= 0;
      }
      if (!sound) {
        throw wrong(
            "tensor '"
                + name
                + "': "
                + key
                + " must be an array of whole numbers from 0 on, got "
                + node);
      }
      return values;
    }

    /** Places must cover the data from its first to its last byte, each byte once. */
    private void checkPlaces() throws SafetensorsException {
      places.sort(Comparator.comparingLong(Place::begin).thenComparingLong(Place::end));
      long end = 0;
      String before = "";
      for (Place place : places) {
        String at =
            "tensor '" + place.name + "' at bytes " + place.begin + " to " + place.end + " ";
        if (place.begin < end) {
          throw wrong(at + "overlaps tensor '" + before + "', which ends at byte " + end);
        }
        if (place.begin > end) {
          throw wrong(at + "leaves a hole: no tensor holds bytes " + end + " to " + place.begin);
        }
        if (place.end > dataBytes) {
          throw wrong(
              at
                  + "lies outside the file's "
                  + dataBytes
                  + " bytes of data; the file is truncated,"
                  + " or its header is wrong");
        }
        end = place.end;
        before = place.name;
      }
      if (end < dataBytes) {
        throw wrong((dataBytes - end) + " bytes follow the last tensor, which ends at byte " + end);
      }
    }

    private SafetensorsException wrong(String problem) {
      return new SafetensorsException(path, problem);
    }
  }
}
