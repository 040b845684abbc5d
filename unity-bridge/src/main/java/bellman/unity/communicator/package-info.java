/**
 * The gRPC server that a player calls, and the rendezvous at which its call waits for the trainer.
 * This is the one package on the trainer's side that sees {@code io.grpc}.
 *
 * <p>May depend on the generated messages and on the player's {@link
 * bellman.unity.player.GrpcConnection}, which meets this server inside one JVM. It reports what
 * happened as an {@link bellman.unity.communicator.Arrival} and leaves the wording of errors to its
 * caller.
 *
 * <p>Read next: {@code Rendezvous} (plain Java), then {@code TrainerServer}.
 */
package bellman.unity.communicator;
