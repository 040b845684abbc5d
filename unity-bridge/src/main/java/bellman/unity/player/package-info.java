/**
 * The player's side of the ML-Agents protocol: a GridWorld that a trainer cannot tell from Unity's,
 * as a thread in the trainer's own process or as a process of its own.
 *
 * <p>{@link bellman.unity.player.GridArea} holds the rules, {@link bellman.unity.player.GridWorld}
 * many areas and the parameters that the trainer may change, {@link
 * bellman.unity.player.GridWorldPicture} what the camera sees, {@link
 * bellman.unity.player.GridWorldPlayer} the order of messages, {@link
 * bellman.unity.player.GrpcConnection} the wire. {@link bellman.unity.player.GridWorldProcess} is
 * the command, {@link bellman.unity.player.GridWorldInstaller} wraps it in an executable that any
 * ML-Agents trainer can start.
 *
 * <p>Depends on the generated messages ({@code bellman.unity.proto}), gRPC and SLF4J, and on
 * nothing of the trainer's side. Read next: {@link bellman.unity.player.GridArea}, then {@link
 * bellman.unity.player.GridWorldPlayer}, then the trainer's side in {@code bellman.unity}.
 */
package bellman.unity.player;
