package bellman.rl;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

class ArchitectureTest {
  private static final JavaClasses RL =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("bellman.rl", "bellman.lessons");

  @Test
  void nobodySeesWhatIsBehindTheModules() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "jcuda..",
            "org.bytedeco..",
            "io.grpc..",
            "bellman.unity.proto..",
            "bellman.unity.communicator..",
            "bellman.unity.process..",
            "bellman.engine.host..",
            "bellman.engine.onednn..",
            "bellman.engine.reference..",
            "bellman.benchmarks..")
        .check(RL);
  }

  @Test
  void onlyModelsAreMadeOfMessages() {
    noClasses()
        .that()
        .resideOutsideOfPackage("bellman.rl.onnx..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("com.google.protobuf..", "bellman.rl.onnx.proto..")
        .check(RL);
  }

  @Test
  void packagesAreReadInOneDirection() {
    layeredArchitecture()
        .consideringOnlyDependenciesInLayers()
        .layer("env")
        .definedBy("bellman.rl.env")
        .layer("loop")
        .definedBy("bellman.rl")
        .layer("replay")
        .definedBy("bellman.rl.replay")
        .layer("dqn")
        .definedBy("bellman.rl.dqn")
        .layer("onnx")
        .definedBy("bellman.rl.onnx..")
        .layer("observe")
        .definedBy("bellman.rl.observe")
        .layer("torch")
        .definedBy("bellman.rl.torch")
        .layer("picture")
        .definedBy("bellman.rl.picture")
        .layer("run")
        .definedBy("bellman.rl.run")
        .layer("config")
        .definedBy("bellman.rl.config")
        .layer("lessons")
        .definedBy("bellman.lessons")
        .layer("cli")
        .definedBy("bellman.rl.cli")
        .whereLayer("cli")
        .mayNotBeAccessedByAnyLayer()
        .whereLayer("torch")
        .mayOnlyBeAccessedByLayers("run", "cli")
        .whereLayer("lessons")
        .mayOnlyBeAccessedByLayers("cli")
        .whereLayer("run")
        .mayOnlyBeAccessedByLayers("cli")
        .whereLayer("picture")
        .mayOnlyBeAccessedByLayers("cli")
        .whereLayer("observe")
        .mayOnlyBeAccessedByLayers("cli")
        .whereLayer("config")
        .mayOnlyBeAccessedByLayers("cli")
        .whereLayer("onnx")
        .mayOnlyBeAccessedByLayers("cli")
        .whereLayer("dqn")
        .mayOnlyBeAccessedByLayers("onnx", "run", "lessons", "cli")
        .whereLayer("replay")
        .mayOnlyBeAccessedByLayers("dqn", "cli")
        .whereLayer("loop")
        .mayOnlyBeAccessedByLayers("dqn", "observe", "picture", "run", "lessons", "cli")
        .check(RL);
    slices().matching("bellman.rl.(*)..").should().beFreeOfCycles().check(RL);
  }

  @Test
  void onlyTheUnityWorldTheCommandsAndTheLessonsKnowUnity() {
    noClasses()
        .that()
        .resideOutsideOfPackages("bellman.rl.env", "bellman.rl.cli", "bellman.lessons")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("bellman.unity..")
        .check(RL);
  }

  @Test
  void picturesAreDrawnInOnePlace() {
    noClasses()
        .that()
        .resideOutsideOfPackage("bellman.rl.picture")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "java.awt..", "javax.imageio..", "javax.swing..", "org.knowm..", "org.apache.batik..")
        .check(RL);
  }

  /** What a program of one's own may use: nothing behind the engine's contract or the bridge. */
  @Test
  void lessonsUseWhatReadersCanUse() {
    classes()
        .that()
        .resideInAPackage("bellman.lessons")
        .should()
        .onlyDependOnClassesThat()
        .resideInAnyPackage(
            "java..",
            "bellman.lessons",
            "bellman.engine",
            "bellman.engine.backend",
            "bellman.nn",
            "bellman.rl",
            "bellman.rl.env",
            "bellman.rl.dqn",
            "bellman.unity",
            "bellman.unity.player",
            "bellman.unity.sidechannel")
        .check(RL);
  }

  @Test
  void onlyTheirCommandKnowsTheLessons() {
    noClasses()
        .that()
        .resideOutsideOfPackage("bellman.lessons")
        .and()
        .doNotHaveSimpleName("LessonCommand")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("bellman.lessons")
        .check(RL);
  }
}
