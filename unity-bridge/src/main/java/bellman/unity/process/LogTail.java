package bellman.unity.process;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;

/** The end of a player's log, short enough for an error message. */
final class LogTail {
  private static final int LINES = 20;
  private static final int BYTES = 8192;

  private LogTail() {}

  /** The last lines, each indented and ended, or "" when the file is missing or empty. */
  static String of(Path log) {
    if (!Files.isRegularFile(log)) {
      return "";
    }
    try (RandomAccessFile file = new RandomAccessFile(log.toFile(), "r")) {
      long from = Math.max(0, file.length() - BYTES);
      byte[] end = new byte[(int) (file.length() - from)];
      file.seek(from);
      file.readFully(end);
      List<String> lines = new String(end, StandardCharsets.UTF_8).lines().toList();
      return lines.stream()
          .skip(Math.max(0, lines.size() - LINES))
          .map(line -> "  | " + line + "\n")
          .collect(Collectors.joining());
    } catch (IOException e) {
      return "  | (unreadable: " + e.getMessage() + ")\n";
    }
  }
}
