package bellman.unity.sidechannel;

import java.util.Collections;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.UUID;

/** Named numbers that both ends may set. Unlike the other known channels Unity must register it. */
public final class FloatPropertiesChannel extends SideChannel {
  /** The id Unity's counterpart has unless its author chose another. */
  public static final UUID DEFAULT_ID = UUID.fromString("60ccf7d0-4f7e-11ea-b238-784f4387d1f7");

  private final Map<String, Float> values = new TreeMap<>();

  /** With {@link #DEFAULT_ID}. */
  public FloatPropertiesChannel() {
    this(DEFAULT_ID);
  }

  /** With the id that the player's counterpart was given. */
  public FloatPropertiesChannel(UUID id) {
    super(id);
  }

  /** Sets it here and, with the next step, in the player. */
  public synchronized void set(String key, float value) {
    send(new MessageWriter().string(key).float32(value));
    values.put(key, value);
  }

  /** The value last set by either end, if any. */
  public synchronized OptionalDouble value(String key) {
    Float value = values.get(key);
    return value == null ? OptionalDouble.empty() : OptionalDouble.of(value);
  }

  /** All values, sorted by key; a copy. */
  public synchronized Map<String, Float> values() {
    return Collections.unmodifiableMap(new TreeMap<>(values));
  }

  @Override
  protected synchronized void receive(MessageReader message) {
    String key = message.string("");
    values.put(key, message.float32(0f));
  }
}
