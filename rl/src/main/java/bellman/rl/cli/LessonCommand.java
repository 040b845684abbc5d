package bellman.rl.cli;

import bellman.engine.DeviceOptions;
import bellman.engine.Precision;
import bellman.lessons.Lesson;
import bellman.lessons.Lessons;
import bellman.lessons.Page;
import bellman.rl.config.Layers;
import bellman.rl.config.RunConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code bellman lesson}: lists the lessons and runs them. */
@Command(
    name = "lesson",
    header = "Learn how all this works: short lessons that run; without a number, their list.",
    synopsisHeading = "%nUsage: ",
    customSynopsis = "bellman lesson [N...] [OPTIONS]",
    footer = {
      "",
      "--env is for the last lesson; without it, that one plays GridWorld installed as a build.",
      "A lesson checks what it claims. Exit code 1 if something does not hold here."
    })
final class LessonCommand implements Callable<Integer> {
  private static final Set<String> SETTINGS = Set.of("device", "threads", "cudaLib", "env");
  private static final String SOURCES = "rl/src/main/java/";

  private final Streams streams;
  private SettingFlags flags;

  @Parameters(arity = "0..*", paramLabel = "N", description = "numbers of lessons to run")
  private List<Integer> numbers = new ArrayList<>();

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "print this")
  private boolean help;

  @Spec private CommandSpec spec;

  private LessonCommand(Streams streams) {
    this.streams = streams;
  }

  static CommandLine commandLine(Streams streams) {
    LessonCommand command = new LessonCommand(streams);
    CommandLine line = new CommandLine(command);
    command.flags = SettingFlags.onto(line, row -> SETTINGS.contains(row.name()));
    return line;
  }

  @Override
  public Integer call() {
    int last = Lessons.ALL.size();
    for (int number : numbers) {
      if (number < 1 || number > last) {
        throw new ParameterException(
            spec.commandLine(), "there is no lesson %d; they are 1 to %d".formatted(number, last));
      }
    }
    var parsed = spec.commandLine().getParseResult();
    RunConfig config = flags.layOnto(new Layers(), parsed).resolve().config();
    if (numbers.isEmpty()) {
      for (int number = 1; number <= last; number++) {
        streams.out().printf("%4d  %s%n", number, Lessons.ALL.get(number - 1).title());
      }
      streams.out().printf("%nbellman lesson 1 runs the first.%n");
      return Main.DONE;
    }
    // The figures that a lesson prints shall be the same tomorrow.
    DeviceOptions options =
        new DeviceOptions(config.compute().threads(), Precision.FP32, true)
            .withCudaFolder(config.compute().cudaLib());
    Page page = new Page(streams.out(), config.compute().device(), options, config.world().env());
    for (int number : numbers) {
      Lesson lesson = Lessons.ALL.get(number - 1);
      String source = SOURCES + lesson.getClass().getName().replace('.', '/') + ".java";
      streams.out().printf("Lesson %d: %s%nRead along: %s%n%n", number, lesson.title(), source);
      lesson.run(page);
      streams.out().println();
    }
    return Main.DONE;
  }
}
