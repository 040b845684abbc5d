package bellman.rl.cli;

import java.io.IOException;
import java.io.InputStream;
import java.util.Properties;
import picocli.CommandLine.IVersionProvider;

/** What {@code bellman --version} prints. */
final class Version implements IVersionProvider {
  @Override
  public String[] getVersion() {
    return new String[] {
      "bellman %s, Java %s (%s)"
          .formatted(
              number(), System.getProperty("java.version"), System.getProperty("java.vendor"))
    };
  }

  /** Maven notes it in the jar; a folder of classes has none. */
  private static String number() {
    Properties properties = new Properties();
    try (InputStream in =
        Version.class.getResourceAsStream("/META-INF/maven/bellman/rl/pom.properties")) {
      if (in != null) {
        properties.load(in);
      }
    } catch (IOException e) {
      // Then it is unknown, which is no reason to fail.
    }
    return properties.getProperty("version", "(development)");
  }
}
