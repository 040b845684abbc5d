/**
 * The application as its users start it: {@code ./bellman …} as a process in a folder of its own,
 * judged by its exit code, its words and what it leaves on disk. These tests live here because this
 * module assembles {@code target/app}, which the launcher runs; they begin after {@code package}
 * ({@code mvn verify}; {@code -DskipITs} leaves them out), on Linux, whose signals, limits and
 * names of executables they use. Read first: {@link bellman.app.Bellman}, which starts the
 * processes, and {@link bellman.app.FaultyPlayer}, the player that fails in many ways.
 */
package bellman.app;
