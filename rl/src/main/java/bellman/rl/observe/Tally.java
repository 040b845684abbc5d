package bellman.rl.observe;

import bellman.rl.Episode;
import bellman.rl.Observer;
import bellman.rl.Phase;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.IntPredicate;

/** What the episodes of the test phase had in common, all together and for each goal. */
public final class Tally implements Observer {
  private final int most;
  private final List<Episode> episodes = new ArrayList<>();

  /**
   * @param most episodes that count; later ones do not
   */
  public Tally(int most) {
    this.most = most;
  }

  /**
   * Figures of some episodes; NaN where there are none.
   *
   * @param std of the returns, around their mean
   * @param succeeded ended with a return above 0
   * @param failed ended with another one
   * @param timedOut cut off by a time limit
   */
  public record Figures(
      int episodes,
      double meanReturn,
      double std,
      double lowest,
      double highest,
      double meanLength,
      int shortest,
      int longest,
      int succeeded,
      int failed,
      int timedOut) {
    /** Of the mean return, as if episodes were drawn independently. */
    public double standardError() {
      return std / Math.sqrt(episodes);
    }

    /** A number of these episodes as a part of all, 0 to 1. */
    public double part(int some) {
      return (double) some / episodes;
    }
  }

  @Override
  public void episodeEnded(Episode e) {
    if (e.phase() == Phase.TESTING && episodes.size() < most) {
      episodes.add(e);
    }
  }

  /** Whether as many ended as count. */
  public boolean full() {
    return episodes.size() == most;
  }

  /** Of all episodes. */
  public Figures all() {
    return figures(goal -> true);
  }

  /** Of the episodes with a goal. */
  public Figures of(int goal) {
    return figures(g -> g == goal);
  }

  private Figures figures(IntPredicate goal) {
    List<Episode> some = episodes.stream().filter(e -> goal.test(e.goal())).toList();
    double mean = some.stream().mapToDouble(Episode::agentReturn).average().orElse(Double.NaN);
    var returns = some.stream().mapToDouble(Episode::agentReturn).summaryStatistics();
    var lengths = some.stream().mapToInt(Episode::length).summaryStatistics();
    double squares =
        some.stream()
            .mapToDouble(e -> (e.agentReturn() - mean) * (e.agentReturn() - mean))
            .average()
            .orElse(Double.NaN);
    int timedOut = (int) some.stream().filter(Episode::interrupted).count();
    int succeeded =
        (int) some.stream().filter(e -> !e.interrupted() && e.agentReturn() > 0).count();
    boolean none = some.isEmpty();
    return new Figures(
        some.size(),
        mean,
        Math.sqrt(squares),
        none ? Double.NaN : returns.getMin(),
        none ? Double.NaN : returns.getMax(),
        none ? Double.NaN : lengths.getAverage(),
        none ? 0 : lengths.getMin(),
        none ? 0 : lengths.getMax(),
        succeeded,
        some.size() - succeeded - timedOut,
        timedOut);
  }

  /** One line about all episodes. */
  public String line() {
    Figures all = all();
    if (all.episodes() == 0) {
      return "no episode ended";
    }
    int positive = (int) episodes.stream().filter(e -> e.agentReturn() > 0).count();
    return String.format(
        Locale.ROOT,
        "%d %s: mean return %.3f ± %.3f (standard error), mean length %.2f, %.1f %% with a"
            + " positive return, %.1f %% cut off by a time limit",
        all.episodes(),
        all.episodes() == 1 ? "episode" : "episodes",
        all.meanReturn(),
        all.standardError(),
        all.meanLength(),
        100 * all.part(positive),
        100 * all.part(all.timedOut()));
  }

  /**
   * A row for each goal and one for all, under a header.
   *
   * @param goals their names
   */
  public List<String> table(List<String> goals) {
    int width = goals.stream().mapToInt(String::length).max().orElse(0);
    String name = "%-" + Math.max(4, width) + "s";
    List<String> table = new ArrayList<>();
    table.add(
        String.format(
            name + "  %8s  %15s  %6s  %7s  %10s  %8s",
            "goal",
            "episodes",
            "mean return",
            "length",
            "success",
            "wrong goal",
            "time-out"));
    for (int g = 0; g < goals.size(); g++) {
      table.add(row(String.format(name, goals.get(g)), of(g)));
    }
    table.add(row(String.format(name, "all"), all()));
    return table;
  }

  private static String row(String name, Figures f) {
    if (f.episodes() == 0) {
      return String.format("%s  %8d  %15s  %6s  %7s  %10s  %8s", name, 0, "-", "-", "-", "-", "-");
    }
    return String.format(
        Locale.ROOT,
        "%s  %8d  %6.3f ± %6.3f  %6.2f  %5.1f %%  %8.1f %%  %6.1f %%",
        name,
        f.episodes(),
        f.meanReturn(),
        f.standardError(),
        f.meanLength(),
        100 * f.part(f.succeeded()),
        100 * f.part(f.failed()),
        100 * f.part(f.timedOut()));
  }
}
