/**
 * Starting, watching and ending players: finding the executable of a Unity build, a child process
 * with its log, or a thread of this JVM.
 *
 * <p>Depends on the JDK, SLF4J and the two interfaces of {@code bellman.unity.player}; sees neither
 * gRPC nor protobuf. Read next: {@code RunningPlayer}, then {@code ProcessTree}.
 */
package bellman.unity.process;
