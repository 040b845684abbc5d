package bellman.unity;

import java.util.ArrayList;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;

/** What a class logs while something runs. */
public final class Logged {
  private Logged() {}

  /** Its warnings and errors, each after its level if that is not a warning. */
  public static List<String> warnings(Class<?> by, Runnable action) {
    return lines(by, Level.WARNING, action);
  }

  /** All from a level on, each after its level if that is not the lowest. */
  public static List<String> lines(Class<?> by, Level from, Runnable action) {
    List<String> lines = new ArrayList<>();
    Handler handler =
        new Handler() {
          @Override
          public void publish(LogRecord record) {
            if (record.getLevel().intValue() >= from.intValue()) {
              String level = record.getLevel() == from ? "" : record.getLevel() + " ";
              lines.add(level + new SimpleFormatter().formatMessage(record));
            }
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        };
    Logger logger = Logger.getLogger(by.getName());
    logger.addHandler(handler);
    try {
      action.run();
    } finally {
      logger.removeHandler(handler);
    }
    return lines;
  }
}
