package bellman.unity.sidechannel;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** Numbers that the scene reports for the training curves. */
public final class StatsChannel extends SideChannel {
  /** The id that every ML-Agents player knows. */
  public static final UUID ID = UUID.fromString("a1d8f7b7-cec8-50f9-b78b-d3e165a78520");

  /** How several reports of one key become one number. The order is the wire's. */
  public enum Aggregation {
    AVERAGE,
    MOST_RECENT,
    SUM,
    HISTOGRAM
  }

  /** One report. */
  public record Stat(float value, Aggregation aggregation) {}

  private Map<String, List<Stat>> stats = new LinkedHashMap<>();

  /** A channel that has heard nothing. */
  public StatsChannel() {
    super(ID);
  }

  /** Takes all reports since the last call, by key, oldest first. */
  public synchronized Map<String, List<Stat>> drain() {
    Map<String, List<Stat>> taken = stats;
    stats = new LinkedHashMap<>();
    return taken;
  }

  @Override
  protected synchronized void receive(MessageReader message) {
    String key = message.string("");
    float value = message.float32(0f);
    int aggregation = message.int32(0);
    if (aggregation < 0 || aggregation >= Aggregation.values().length) {
      throw new IllegalArgumentException(
          "stats: " + key + " has the unknown aggregation " + aggregation + "; known are 0 to 3");
    }
    stats
        .computeIfAbsent(key, k -> new ArrayList<>())
        .add(new Stat(value, Aggregation.values()[aggregation]));
  }
}
