package bellman.lessons;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import bellman.engine.DeviceOptions;
import bellman.engine.Precision;
import bellman.rl.env.Corridor;
import bellman.rl.env.Frame;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Every lesson runs, and what it claims holds. */
class LessonsTest {
  private final StringWriter out = new StringWriter();

  /** The device that lessons compute on. */
  String device() {
    return "cpu";
  }

  Page page() {
    DeviceOptions options =
        new DeviceOptions(DeviceOptions.defaults().threads(), Precision.FP32, true);
    return new Page(new PrintWriter(out, true), device(), options, Optional.empty());
  }

  @AfterEach
  void everyClaimHolds() {
    assertThat(out.toString()).doesNotContain("✗");
  }

  @Test
  void tensorAndScope() {
    Lesson01TensorAndScope.Figures f = new Lesson01TensorAndScope().run(page());
    assertThat(f.sum()).isEqualTo(141);
    assertThat(f.mismatch()).contains("[2, 3] (x)", "[3] (row)", "never broadcasts", "addRow");
    assertThat(f.held()[1]).isEqualTo(f.held()[0]).isPositive();
    assertThat(f.live()[1]).isEqualTo(f.live()[0]).isPositive();
    assertThat(f.late()).contains("lost", "'step' closed", "keep()");
    assertThat(f.kept()).isEqualTo(12);
  }

  @Test
  void gradient() {
    Lesson02Gradient.Figures f = new Lesson02Gradient().run(page());
    assertThat(f.toDifferences()).isLessThan(1e-7);
    assertThat(f.toAutograd()).isLessThan(1e-6);
    for (double dw : f.byHand()) {
      assertThat(Math.abs(dw)).as("no gradient is small by chance").isGreaterThan(0.01);
    }
  }

  @Test
  void opOfYourOwn() {
    Lesson03OpOfYourOwn.Figures f = new Lesson03OpOfYourOwn().run(page());
    assertThat(f.forward()).isLessThan(5e-6);
    assertThat(f.gradient()).isLessThan(5e-6);
    assertThat(f.slip()).isGreaterThan(0.1);
  }

  @Test
  void linearRegression() {
    Lesson04LinearRegression.Figures f = new Lesson04LinearRegression().run(page());
    assertThat(f.slope()).isEqualTo(f.bestSlope(), within(1e-4)).isEqualTo(2, within(0.2));
    assertThat(f.intercept()).isEqualTo(f.bestIntercept(), within(1e-4)).isEqualTo(-1, within(0.2));
    assertThat(f.loss()).isEqualTo(f.leastLoss(), within(1e-5)).isLessThan(f.firstLoss() / 10);
  }

  @Test
  void convolution() {
    List<Lesson05Convolution.Rung> rungs = new Lesson05Convolution().run(page()).rungs();
    assertThat(rungs)
        .extracting(Lesson05Convolution.Rung::name)
        .contains("seven loops", "reference", "java");
    assertThat(rungs).allSatisfy(r -> assertThat(r.error()).isLessThan(1e-5));
    assertThat(rungs).allSatisfy(r -> assertThat(r.seconds()).isPositive());
    assertThat(rungs.get(rungs.size() - 1).seconds()).isLessThan(rungs.get(0).seconds());
  }

  @Test
  void adam() {
    Lesson06Adam.Figures f = new Lesson06Adam().run(page());
    for (double step : f.firstStep()) {
      assertThat(step).isEqualTo(0.02, within(1e-6));
    }
    assertThat(f.apart()).isLessThan(1e-4);
    assertThat(f.toKernel()).isLessThan(1e-4);
    assertThat(f.descent()[0]).isEqualTo(Math.pow(1 - 1e-4, 200), within(1e-9));
    assertThat(f.adam()[0]).isEqualTo(0, within(0.1));
  }

  @Test
  void capturedStep() {
    Lesson07CapturedStep.Figures f = new Lesson07CapturedStep().run(page());
    assertThat(f.steps()).isEqualTo(f.runs());
    assertThat(f.apart()).isLessThan(1e-5);
    assertThat(f.plain()).isPositive();
    assertThat(f.captured()).isPositive();
    assertThat(f.refusal()).contains("toFloats", "captured step 'wrong'");
    assertCaptured(f);
  }

  /** The CPU does not record: a captured step is a plain call. */
  void assertCaptured(Lesson07CapturedStep.Figures f) {
    assertThat(f.bodies()).isEqualTo(f.runs());
    assertThat(out.toString()).contains("this device does not record");
  }

  @Test
  void qLearning() {
    Lesson08QLearning.Figures f = new Lesson08QLearning().run(page());
    for (int s = 0; s < 5; s++) {
      for (int a = 0; a < 2; a++) {
        assertThat(f.q()[s][a]).isEqualTo(Corridor.q(6, s, a, 0.9), within(1e-6));
      }
    }
    assertThat(f.right()).isEqualTo(5);
    assertThat(f.episodes()).isPositive();
  }

  @Test
  void dqn() {
    Lesson09Dqn.Figures f = new Lesson09Dqn().run(page());
    assertThat(f.whole().error()).isLessThan(0.01);
    assertThat(f.whole().right()).isEqualTo(5);
    assertThat(f.noReplay().error()).isGreaterThan(10 * f.whole().error());
    assertThat(f.noTarget().largest()).isGreaterThan(5);
    assertThat(f.noEpsilon().arrivals()).isZero();
    assertThat(f.noEpsilon().error()).isEqualTo(1, within(1e-6)); // it knows of no reward
  }

  @Test
  void gridWorldOverTheWire() {
    Lesson10GridWorldOverTheWire.Figures f = new Lesson10GridWorldOverTheWire().run(page());
    assertThat(f.atRandom().episodes()).isGreaterThan(20);
    assertThat(f.atRandom().meanReturn()).isBetween(-1.5, 0.0);
    assertThat(f.reading().episodes()).isGreaterThan(200);
    assertThat(f.reading().meanReturn()).isBetween(0.95, 1.0);
  }

  @Test
  void yourOwnBuild() {
    Lesson11YourOwnBuild.Figures f = new Lesson11YourOwnBuild().run(page());
    assertThat(f.spec().name()).isEqualTo("GridWorld");
    assertThat(f.spec().frame()).isEqualTo(Frame.picture(64, 84, 3));
    assertThat(f.spec().goals()).isEqualTo(2);
    assertThat(f.spec().actions()).isEqualTo(5);
    assertThat(f.network()).contains("conv1 6→32", "q 512→5");
    assertThat(f.outcome().step()).isEqualTo(48);
    assertThat(f.outcome().updates()).isEqualTo(8);
    assertThat(f.build()).as("what was installed is gone").doesNotExist();
  }

  /** File names, the list and the text agree about numbers. */
  @Test
  void areNumberedInOrder() {
    for (int i = 0; i < Lessons.ALL.size(); i++) {
      Matcher name =
          Pattern.compile("Lesson(\\d\\d)[A-Z]\\w+")
              .matcher(Lessons.ALL.get(i).getClass().getSimpleName());
      assertThat(name.matches()).isTrue();
      assertThat(Integer.parseInt(name.group(1))).isEqualTo(i + 1);
    }
    assertThat(Lessons.ALL).extracting(Lesson::title).doesNotHaveDuplicates();
  }
}
