package bellman.nn;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

class ArchitectureTest {
  private static final JavaClasses MAIN =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("bellman.nn");

  @Test
  void nnKnowsTheEnginesContractsAndNothingElse() {
    classes()
        .should()
        .onlyDependOnClassesThat()
        .resideInAnyPackage(
            "java..", "bellman.nn", "bellman.engine", "bellman.engine.backend", "bellman.engine.io")
        .check(MAIN);
  }

  @Test
  void itNamesNoDeviceByBackend() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .haveFullyQualifiedName("bellman.engine.Devices")
        .check(MAIN);
  }
}
