package bellman.rl.observe;

import bellman.rl.Episode;
import bellman.rl.Observer;
import bellman.rl.Phase;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What the episodes of the test phase had in common, all together and for each goal. */
public final class Tally implements Observer {
  private final int most;
  private final Sum all = new Sum();
  private final Map<Integer, Sum> goals = new HashMap<>();

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
    /** Of the mean return, as if episodes were drawn independently; NaN for one. */
    public double standardError() {
      return episodes < 2 ? Double.NaN : std / Math.sqrt(episodes - 1); // std is that of these n
    }

    /** A number of these episodes as a part of all, 0 to 1. */
    public double part(int some) {
      return (double) some / episodes;
    }
  }

  /** What is known of some episodes; mean and squares around it as Welford (1962) has them. */
  private static final class Sum {
    private int n;
    private double mean;
    private double squares;
    private double lowest = Double.NaN;
    private double highest = Double.NaN;
    private long length;
    private int shortest;
    private int longest;
    private int positive;
    private int succeeded;
    private int timedOut;

    void add(Episode e) {
      double r = e.agentReturn();
      lowest = n == 0 ? r : Math.min(lowest, r);
      highest = n == 0 ? r : Math.max(highest, r);
      shortest = n == 0 ? e.length() : Math.min(shortest, e.length());
      longest = Math.max(longest, e.length());
      length += e.length();
      n++;
      double from = r - mean;
      mean += from / n;
      squares += from * (r - mean);
      positive += r > 0 ? 1 : 0;
      succeeded += r > 0 && !e.interrupted() ? 1 : 0;
      timedOut += e.interrupted() ? 1 : 0;
    }

    Figures figures() {
      return new Figures(
          n,
          n == 0 ? Double.NaN : mean,
          Math.sqrt(squares / n),
          lowest,
          highest,
          (double) length / n,
          shortest,
          longest,
          succeeded,
          n - succeeded - timedOut,
          timedOut);
    }
  }

  @Override
  public void episodeEnded(Episode e) {
    if (e.phase() == Phase.TESTING && !full()) {
      all.add(e);
      goals.computeIfAbsent(e.goal(), g -> new Sum()).add(e);
    }
  }

  /** Whether as many ended as count. */
  public boolean full() {
    return all.n == most;
  }

  /** Of all episodes. */
  public Figures all() {
    return all.figures();
  }

  /** Of the episodes with a goal. */
  public Figures of(int goal) {
    return goals.getOrDefault(goal, new Sum()).figures();
  }

  /** One line about all episodes. */
  public String line() {
    Figures f = all();
    if (f.episodes() == 0) {
      return "no episode ended";
    }
    return String.format(
        Locale.ROOT,
        "%d %s: mean return %.3f ± %s (standard error), mean length %.2f, %.1f %% with a"
            + " positive return, %.1f %% cut off by a time limit",
        f.episodes(),
        f.episodes() == 1 ? "episode" : "episodes",
        f.meanReturn(),
        error(f),
        f.meanLength(),
        100 * f.part(all.positive),
        100 * f.part(f.timedOut()));
  }

  /**
   * A row for each goal and one for all, under a header.
   *
   * @param names of the goals
   */
  public List<String> table(List<String> names) {
    int width = names.stream().mapToInt(String::length).max().orElse(0);
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
    for (int g = 0; g < names.size(); g++) {
      table.add(row(String.format(name, names.get(g)), of(g)));
    }
    table.add(row(String.format(name, "all"), all()));
    return table;
  }

  private static String error(Figures f) {
    return f.episodes() < 2 ? "-" : String.format(Locale.ROOT, "%.3f", f.standardError());
  }

  private static String row(String name, Figures f) {
    if (f.episodes() == 0) {
      return String.format("%s  %8d  %15s  %6s  %7s  %10s  %8s", name, 0, "-", "-", "-", "-", "-");
    }
    return String.format(
        Locale.ROOT,
        "%s  %8d  %6.3f ± %6s  %6.2f  %5.1f %%  %8.1f %%  %6.1f %%",
        name,
        f.episodes(),
        f.meanReturn(),
        error(f),
        f.meanLength(),
        100 * f.part(f.succeeded()),
        100 * f.part(f.failed()),
        100 * f.part(f.timedOut()));
  }
}
