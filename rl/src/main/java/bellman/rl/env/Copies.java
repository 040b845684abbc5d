package bellman.rl.env;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;

/**
 * Several copies of a world side by side, each with its own agents. Agent a of copy i is agent i +
 * n·a here, so that ids stay apart and single agents are numbered by their copy. Where one copy was
 * restarted, the turn says so of all.
 */
public final class Copies implements Environment {
  private final List<Environment> worlds = new ArrayList<>();
  private final int[] waiting;

  /**
   * @param n copies, 1 or more
   * @param world builds copy i; give each its own seed
   */
  public Copies(int n, IntFunction<Environment> world) {
    if (n < 1) {
      throw new IllegalArgumentException("copies: 1 or more, got " + n);
    }
    for (int i = 0; i < n; i++) {
      worlds.add(world.apply(i));
      if (!worlds.get(i).spec().equals(worlds.get(0).spec())) {
        throw new IllegalArgumentException(
            "copies: all have one spec; copy 0 has "
                + worlds.get(0).spec()
                + " and copy "
                + i
                + " has "
                + worlds.get(i).spec());
      }
    }
    this.waiting = new int[n];
  }

  @Override
  public Spec spec() {
    return worlds.get(0).spec();
  }

  @Override
  public Turn reset() {
    List<Turn> turns = new ArrayList<>();
    worlds.forEach(w -> turns.add(w.reset()));
    return joined(turns);
  }

  @Override
  public Turn step(int[] actions) {
    int expected = Arrays.stream(waiting).sum();
    if (actions.length != expected) {
      throw new IllegalArgumentException(
          spec().name()
              + ": "
              + expected
              + " agents wait for an action, got "
              + actions.length
              + " actions");
    }
    List<Turn> turns = new ArrayList<>();
    int from = 0;
    for (int i = 0; i < waiting.length; i++) {
      turns.add(worlds.get(i).step(Arrays.copyOfRange(actions, from, from + waiting[i])));
      from += waiting[i];
    }
    return joined(turns);
  }

  private Turn joined(List<Turn> turns) {
    List<Turn.Ending> endings = new ArrayList<>();
    List<Turn.Decision> decisions = new ArrayList<>();
    boolean restarted = false;
    for (int i = 0; i < waiting.length; i++) {
      Turn turn = turns.get(i);
      waiting[i] = turn.decisions().size();
      restarted |= turn.restarted();
      for (Turn.Ending e : turn.endings()) {
        endings.add(
            new Turn.Ending(id(i, e.agent()), e.observation(), e.reward(), e.interrupted()));
      }
      for (Turn.Decision d : turn.decisions()) {
        decisions.add(
            new Turn.Decision(id(i, d.agent()), d.observation(), d.reward(), d.forbidden()));
      }
    }
    return new Turn(List.copyOf(endings), List.copyOf(decisions), restarted);
  }

  private int id(int copy, int agent) {
    return copy + waiting.length * agent;
  }

  @Override
  public void timeScale(float scale) {
    worlds.forEach(w -> w.timeScale(scale));
  }

  @Override
  public void close() {
    worlds.forEach(Environment::close);
  }
}
