package bellman.unity;

import bellman.unity.recording.Recording;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;

/**
 * Recorded traffic of the official SDK and what the official Python package understood of it.
 *
 * @param bytes the file
 * @param recording what it holds
 * @param understood one JSON object per message of the player
 */
record Golden(byte[] bytes, Recording recording, JsonNode understood) {
  static Golden load(String name) throws IOException {
    try (InputStream file = open(name + ".bin");
        InputStream json = open(name + ".json")) {
      byte[] bytes = file.readAllBytes();
      return new Golden(bytes, Recording.parse(bytes, name), new ObjectMapper().readTree(json));
    }
  }

  private static InputStream open(String file) throws IOException {
    InputStream in = Golden.class.getResourceAsStream("/golden/unity/" + file);
    if (in == null) {
      throw new IOException("no resource /golden/unity/" + file);
    }
    return in;
  }
}
