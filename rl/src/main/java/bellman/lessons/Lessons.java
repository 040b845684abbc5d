package bellman.lessons;

import java.util.List;

/** All lessons in the order of reading; the first has number 1. */
public final class Lessons {
  public static final List<Lesson> ALL =
      List.of(
          new Lesson01TensorAndScope(),
          new Lesson02Gradient(),
          new Lesson03OpOfYourOwn(),
          new Lesson04LinearRegression(),
          new Lesson05Convolution(),
          new Lesson06Adam(),
          new Lesson07CapturedStep(),
          new Lesson08QLearning(),
          new Lesson09Dqn(),
          new Lesson10GridWorldOverTheWire(),
          new Lesson11YourOwnBuild());

  private Lessons() {}
}
