/**
 * Recorded traffic between a player and its trainer, in a file: for bug reports, and for tests that
 * play it again.
 *
 * <p>A file is a row of records: one byte {@code P} (the player's request) or {@code T} (the
 * trainer's reply), a length (uint32, little-endian), then a serialized {@code UnityMessageProto}.
 *
 * <p>Depends on protobuf alone. Read next: {@code bellman.unity.player.ReplayPlayer}.
 */
package bellman.unity.recording;
