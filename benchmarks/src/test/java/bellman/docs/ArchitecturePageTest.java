package bellman.docs;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The drawing of docs/architecture.md against the compiled classes of all modules. */
class ArchitecturePageTest {
  private static final Pattern NODE = Pattern.compile("    (\\w+)\\[\"([\\w.]+)\"]");
  private static final Pattern MODULE = Pattern.compile("  subgraph \\w+\\[\"([\\w-]+)\"]");
  private static final Pattern ARROW = Pattern.compile("  (\\w+) --> (\\w+)");

  /** Package to the packages that it uses. */
  private static final Map<String, Set<String>> REAL = new TreeMap<>();

  private static final Map<String, Set<String>> DRAWN = new TreeMap<>();
  private static final Map<String, String> MODULE_OF = new TreeMap<>();

  @BeforeAll
  static void read() throws IOException {
    for (JavaClass c :
        new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("bellman")) {
      String from = c.getPackageName();
      if (from.endsWith(".jmh_generated")) {
        continue;
      }
      Set<String> uses = REAL.computeIfAbsent(from, p -> new TreeSet<>());
      c.getDirectDependenciesFromSelf()
          .forEach(
              d -> {
                String to = d.getTargetClass().getBaseComponentType().getPackageName();
                if (to.startsWith("bellman.") && !to.equals(from)) {
                  uses.add(to);
                }
              });
    }
    Map<String, String> packages = new HashMap<>(); // by node
    String module = "";
    for (String line : Files.readAllLines(Path.of("../docs/architecture.md"))) {
      Matcher m = MODULE.matcher(line);
      Matcher node = NODE.matcher(line);
      Matcher arrow = ARROW.matcher(line);
      if (m.matches()) {
        module = m.group(1);
      } else if (node.matches()) {
        String name = "bellman." + node.group(2);
        packages.put(node.group(1), name);
        DRAWN.put(name, new TreeSet<>());
        MODULE_OF.put(name, module);
      } else if (arrow.matches()) {
        DRAWN.get(packages.get(arrow.group(1))).add(packages.get(arrow.group(2)));
      }
    }
  }

  @Test
  void everyPackageIsDrawn() {
    assertThat(REAL).hasSizeGreaterThan(20);
    assertThat(DRAWN.keySet()).isEqualTo(REAL.keySet());
  }

  @Test
  void everyArrowIsReal() {
    DRAWN.forEach((from, to) -> assertThat(REAL.get(from)).as("uses of " + from).containsAll(to));
  }

  @Test
  void whatIsUsedCanBeReached() {
    REAL.forEach(
        (from, to) ->
            assertThat(reached(from)).as("reached from %s over arrows", from).containsAll(to));
  }

  @Test
  void packagesStandInTheirModule() {
    MODULE_OF.forEach(
        (name, module) -> {
          if (!name.endsWith(".proto")) { // generated
            assertThat(Path.of("..", module, "src/main/java", name.replace('.', '/')))
                .isDirectory();
          }
        });
  }

  /** benchmarks → rl → nn → engine, and rl → unity-bridge. */
  @Test
  void arrowsBetweenModulesGoOneWay() {
    Set<String> between = new TreeSet<>();
    DRAWN.forEach(
        (from, uses) ->
            uses.forEach(
                to -> {
                  if (!MODULE_OF.get(from).equals(MODULE_OF.get(to))) {
                    between.add(MODULE_OF.get(from) + " → " + MODULE_OF.get(to));
                  }
                }));
    assertThat(between)
        .containsExactly(
            "benchmarks → rl", "nn → engine", "rl → engine", "rl → nn", "rl → unity-bridge");
  }

  private static Set<String> reached(String from) {
    Set<String> reached = new TreeSet<>();
    Deque<String> open = new ArrayDeque<>(Set.of(from));
    while (!open.isEmpty()) {
      for (String next : DRAWN.get(open.remove())) {
        if (reached.add(next)) {
          open.add(next);
        }
      }
    }
    return reached;
  }
}
