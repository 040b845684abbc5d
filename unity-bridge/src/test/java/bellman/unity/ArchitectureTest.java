package bellman.unity;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Which package may see which. */
class ArchitectureTest {
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("bellman.unity");

  private static ArchRule grpcOnlyIn(String... packages) {
    return noClasses()
        .that()
        .resideOutsideOfPackages(packages)
        .should()
        .dependOnClassesThat()
        .resideInAPackage("io.grpc..");
  }

  @Test
  void grpcStaysAtTheTwoEndsOfTheWire() {
    grpcOnlyIn("bellman.unity.communicator", "bellman.unity.player", "bellman.unity.proto")
        .check(CLASSES);
    // The rule bites: without its exceptions it fails.
    assertThatThrownBy(() -> grpcOnlyIn("bellman.unity.proto").check(CLASSES))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("TrainerServer");
  }

  @Test
  void messagesStayOutOfSideChannelsAndProcesses() {
    noClasses()
        .that()
        .resideInAnyPackage("bellman.unity.sidechannel", "bellman.unity.process")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("bellman.unity.proto", "com.google.protobuf..")
        .check(CLASSES);
  }

  @Test
  void thisModuleKnowsNoTensorsAndNoLearning() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("bellman.engine..", "bellman.nn..", "bellman.rl..")
        .check(CLASSES);
  }

  @Test
  void arrowsBetweenPackagesGoOneWay() {
    slices().matching("(**)").should().beFreeOfCycles().check(CLASSES);
    noClasses()
        .that()
        .resideInAnyPackage(
            "bellman.unity.communicator",
            "bellman.unity.process",
            "bellman.unity.sidechannel",
            "bellman.unity.player")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("bellman.unity")
        .check(CLASSES);
  }

  @Test
  void noMessageTypeIsInAPublicSignature() {
    List<String> leaks =
        CLASSES.stream()
            .filter(
                c ->
                    List.of("bellman.unity", "bellman.unity.sidechannel")
                        .contains(c.getPackageName()))
            .filter(c -> c.getModifiers().contains(JavaModifier.PUBLIC))
            .flatMap(c -> c.getCodeUnits().stream())
            .filter(
                m ->
                    m.getModifiers().contains(JavaModifier.PUBLIC)
                        || m.getModifiers().contains(JavaModifier.PROTECTED))
            .filter(m -> signature(m).anyMatch(ArchitectureTest::isWire))
            .map(JavaCodeUnit::getFullName)
            .toList();
    assertThat(leaks).isEmpty();
    assertThat(isWire(CLASSES.get("bellman.unity.proto.HeaderProto"))).isTrue();
  }

  private static Stream<JavaClass> signature(JavaCodeUnit m) {
    return Stream.concat(m.getRawParameterTypes().stream(), Stream.of(m.getRawReturnType()));
  }

  private static boolean isWire(JavaClass type) {
    String name = type.getPackageName();
    return name.startsWith("io.grpc")
        || name.startsWith("com.google.protobuf")
        || name.startsWith("bellman.unity.proto");
  }
}
