package bellman.unity.player;

/**
 * Something that plays: the counterpart of a Unity build. It calls the trainer through a {@link
 * Connection} and ends when the trainer does.
 */
public interface Player {
  /**
   * Plays until the trainer ends the exchange.
   *
   * @return the exit code of the process that this player stands for; 0 for a normal end
   */
  int play(Connection connection);
}
