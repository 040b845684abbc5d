package bellman.rl.cli;

import bellman.rl.config.ConfigException;
import bellman.rl.config.Layers;
import bellman.rl.config.RunConfig;
import bellman.rl.config.Settings;
import bellman.rl.picture.CurvesObserver;
import bellman.rl.picture.LearningCurves;
import bellman.rl.picture.RunLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code bellman plot}: learning curves of one run or several. */
@Command(
    name = "plot",
    header = "Draw learning curves of one run, or of several on one page.",
    synopsisHeading = "%nUsage: ",
    description = {
      "",
      "Mean return, loss, mean Q and epsilon over agent steps. Runs that differ in their seeds alone"
          + " make one curve: their mean, and a band from the lowest to the highest of them."
    },
    parameterListHeading = "%n",
    optionListHeading = "%nOptions:%n")
final class PlotCommand implements Callable<Integer> {
  /** Settings that do not change what is learned, besides the groups below. */
  private static final Set<String> ASIDE =
      Set.of("basePort", "workerId", "timeoutWait", "noGraphics");

  private static final Set<String> GROUPS_ASIDE = Set.of("compute", "folder", "reporting");

  private final Streams streams;

  @Parameters(
      paramLabel = "RUN",
      arity = "1..*",
      description = "the name of a run below --results-dir, or a run's folder")
  private List<String> runs;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FILE",
      description =
          "a .png or a .svg; may be given twice [default: both, named learning_curves, in the run's"
              + " run_logs or, for several runs, in --results-dir]")
  private List<Path> outputs = List.of();

  @Option(names = "--each", description = "a curve for every run")
  private boolean each;

  @Option(
      names = "--results-dir",
      paramLabel = "PATH",
      defaultValue = "results",
      description = "where the folders of runs lie [default results]")
  private Path results;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "print this")
  private boolean help;

  PlotCommand(Streams streams) {
    this.streams = streams;
  }

  @Override
  public Integer call() throws IOException {
    outputs.forEach(file -> OutputFile.check("--output", file, ".png", ".svg"));
    Map<Path, RunGroups.Run> found = new LinkedHashMap<>(); // a run named twice counts once
    for (String name : runs) {
      Path folder = SavedWeights.run(results, name).toRealPath();
      if (!found.containsKey(folder)) {
        found.put(folder, read(folder));
      }
    }
    List<RunGroups.Run> all = List.copyOf(found.values());
    List<LearningCurves.Group> groups = each ? RunGroups.each(all) : RunGroups.bySettings(all);
    LearningCurves curves = new LearningCurves(title(groups), groups);
    List<Path> files = new ArrayList<>(outputs);
    if (files.isEmpty()) {
      Path folder = found.size() > 1 ? results : logs(found.keySet().iterator().next());
      CurvesObserver.ENDINGS.forEach(e -> files.add(folder.resolve(CurvesObserver.NAME + e)));
      files.forEach(file -> OutputFile.check("--output", file));
    }
    for (Path file : files) {
      try {
        curves.write(file);
      } catch (IOException e) {
        boolean plain = e.getClass().equals(IOException.class);
        throw new Failure("%s was not drawn (%s)".formatted(file, plain ? e.getMessage() : e), e);
      }
      streams.out().println(file);
    }
    return Main.DONE;
  }

  private static Path logs(Path run) {
    return run.resolve("run_logs");
  }

  private RunGroups.Run read(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw new Failure(folder + " is a file; name a run, or a run's folder");
    }
    RunLog log;
    try {
      Path name = folder.getFileName(); // null: of "/"
      log = RunLog.read(String.valueOf(name == null ? folder : name), logs(folder));
    } catch (IOException e) {
      throw new Failure(e.getMessage(), e);
    }
    if (log.windows().isEmpty()) {
      throw new Failure(
          folder + " has nothing to draw yet: no window of episodes has ended; train longer");
    }
    return new RunGroups.Run(log, settings(folder));
  }

  /** Those that change what is learned, but for the seed. */
  private Map<String, String> settings(Path folder) {
    Path file = folder.resolve("configuration.yaml");
    if (!Files.exists(file)) {
      return Map.of();
    }
    RunConfig config;
    try {
      config = new Layers().yaml(file).resolve().config();
    } catch (ConfigException e) {
      streams.err().println("warning: " + e.getMessage() + "; it is drawn as a curve of its own");
      return Map.of();
    }
    Map<String, String> settings = new LinkedHashMap<>();
    for (Settings.Row row : Settings.all()) {
      if (!GROUPS_ASIDE.contains(row.group()) && !ASIDE.contains(row.name())) {
        settings.put(row.name(), row.textIn(config));
      }
    }
    return settings;
  }

  private static String title(List<LearningCurves.Group> groups) {
    List<String> labels = groups.stream().map(LearningCurves.Group::label).toList();
    return labels.size() > 3 ? labels.size() + " curves" : String.join(" · ", labels);
  }
}
