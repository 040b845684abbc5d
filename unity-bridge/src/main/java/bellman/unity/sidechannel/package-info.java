/**
 * Side channels: numbers and settings that travel beside observations and actions. The known ones
 * (engine configuration, environment parameters, float properties, statistics, raw bytes) and
 * {@link bellman.unity.sidechannel.SideChannel}, the base of your own.
 *
 * <p>Depends on nothing but the JDK and SLF4J. Read next: {@code MessageWriter} and {@code
 * MessageReader} for the byte format.
 */
package bellman.unity.sidechannel;
