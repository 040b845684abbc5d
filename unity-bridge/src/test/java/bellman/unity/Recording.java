package bellman.unity;

import bellman.unity.proto.UnityMessageProto;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;

/**
 * Recorded traffic of the official SDK and what the official Python package understood of it.
 *
 * @param requests the player's messages
 * @param understood one JSON object per request
 */
record Recording(List<UnityMessageProto> requests, JsonNode understood) {
  static Recording load(String name) throws IOException {
    List<UnityMessageProto> requests = new ArrayList<>();
    try (InputStream file = open(name + ".bin");
        DataInputStream in = new DataInputStream(file)) {
      for (int kind = in.read(); kind >= 0; kind = in.read()) {
        byte[] message = new byte[Integer.reverseBytes(in.readInt())];
        in.readFully(message);
        if (kind == 'P') {
          requests.add(UnityMessageProto.parseFrom(message));
        }
      }
    }
    try (InputStream json = open(name + ".json")) {
      return new Recording(requests, new ObjectMapper().readTree(json));
    }
  }

  private static InputStream open(String file) throws IOException {
    InputStream in = Recording.class.getResourceAsStream("/golden/unity/" + file);
    if (in == null) {
      throw new IOException("no resource /golden/unity/" + file);
    }
    return in;
  }
}
