package bellman.engine;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/** The arrows between packages. */
class ArchitectureTest {
  private static final JavaClasses ENGINE =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("bellman.engine");

  @Test
  void onePackageSeesOneDnn() {
    noClasses()
        .that()
        .resideOutsideOfPackage("bellman.engine.onednn..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.bytedeco..")
        .check(ENGINE);
  }

  @Test
  void onePackageSeesJCuda() {
    noClasses()
        .that()
        .resideOutsideOfPackage("bellman.engine.cuda..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("jcuda..")
        .check(ENGINE);
  }

  @Test
  void theContractSeesNoImplementation() {
    noClasses()
        .that()
        .resideInAPackage("bellman.engine.backend..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "bellman.engine.reference..",
            "bellman.engine.host..",
            "bellman.engine.onednn..",
            "bellman.engine.cuda..")
        .check(ENGINE);
  }

  @Test
  void kernelsSeeNoTensors() {
    noClasses()
        .that()
        .resideInAnyPackage(
            "bellman.engine.backend..",
            "bellman.engine.reference..",
            "bellman.engine.host..",
            "bellman.engine.onednn..",
            "bellman.engine.cuda..")
        .should()
        .dependOnClassesThat()
        .haveFullyQualifiedName("bellman.engine.Tensor")
        .check(ENGINE);
  }

  @Test
  void theEngineKnowsNoOtherModule() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "bellman.nn..", "bellman.rl..", "bellman.unity..", "bellman.benchmarks..")
        .check(ENGINE);
  }
}
