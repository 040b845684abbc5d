/**
 * The trainer's side of ML-Agents: {@link bellman.unity.UnityEnvironment} opens a player (a Unity
 * build, the Editor, or one that runs inside this JVM), and its agents are read as {@link
 * bellman.unity.DecisionSteps} and {@link bellman.unity.TerminalSteps} and answered with an {@link
 * bellman.unity.ActionTuple}.
 *
 * <p>May depend on the packages below it and on protobuf inside method bodies; no protobuf or gRPC
 * type appears in its public signatures. Knows nothing of tensors or learning.
 *
 * <p>Read next: {@code UnityEnvironment}, then {@code Behaviors} and {@code StepDecoder} (messages
 * to steps), then {@code bellman.unity.communicator} (how two threads take turns).
 */
package bellman.unity;
