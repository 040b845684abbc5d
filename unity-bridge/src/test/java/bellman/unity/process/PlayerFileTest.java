package bellman.unity.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PlayerFileTest {
  @TempDir Path dir;

  private Path file(String name) throws IOException {
    Path file = dir.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, "");
    file.toFile().setExecutable(true);
    return file;
  }

  private Path find(String name, PlayerFile.System system) throws IOException {
    return PlayerFile.find(dir.resolve(name), system);
  }

  @ParameterizedTest
  @ValueSource(strings = {"Game", "Game.x86_64", "Game.exe", "Game.app", "Game.x86"})
  void anyEndingNamesTheBuildOfThisSystem(String named) throws IOException {
    Path linux = file("Game.x86_64");
    Path mac = file("Game.app/Contents/MacOS/Game");
    Path windows = file("Game.exe");
    assertThat(find(named, PlayerFile.System.LINUX)).isEqualTo(linux);
    assertThat(find(named, PlayerFile.System.MAC)).isEqualTo(mac);
    assertThat(find(named, PlayerFile.System.WINDOWS)).isEqualTo(windows);
  }

  @Test
  void olderAndBareFilesAreFoundToo() throws IOException {
    Path bare = file("tool");
    assertThat(find("tool", PlayerFile.System.LINUX)).isEqualTo(bare);
    Path old = file("tool.x86");
    assertThat(find("tool", PlayerFile.System.LINUX)).isEqualTo(old);
    Path script = file("play.sh");
    assertThat(find("play.sh", PlayerFile.System.LINUX)).isEqualTo(script);
  }

  @Test
  void aCommandFileIsAPlayerOnWindowsOnly() throws IOException {
    Path command = file("GridWorld.cmd");
    assertThat(find("GridWorld", PlayerFile.System.WINDOWS)).isEqualTo(command);
    assertThat(find("GridWorld.cmd", PlayerFile.System.WINDOWS)).isEqualTo(command);
    assertThatThrownBy(() -> find("GridWorld", PlayerFile.System.LINUX))
        .isInstanceOf(NoSuchFileException.class);
    Path program = file("GridWorld.exe");
    assertThat(find("GridWorld", PlayerFile.System.WINDOWS)).isEqualTo(program);
  }

  @Test
  void aFolderStandsForTheFileInIt() throws IOException {
    file("Build/UnityCrashHandler64.exe");
    Path windows = file("Build/Walker.exe");
    assertThat(find("Build", PlayerFile.System.WINDOWS)).isEqualTo(windows);
    Path mac = file("Other.app/Contents/MacOS/Walker");
    assertThat(find("Other", PlayerFile.System.MAC)).isEqualTo(mac);
  }

  @Test
  void aMissingPlayerTellsWhereItWasLookedFor() {
    assertThatThrownBy(() -> find("None", PlayerFile.System.LINUX))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessage(
            "%1$s: no player there; looked for %1$s.x86_64, %1$s.x86, %1$s. Remedy: name the file"
                    .formatted(dir.resolve("None"))
                + " that Unity built, relative to the current folder or in full");
  }

  @Test
  void theRootIsNoPlayer() {
    Path root = dir.getRoot();
    for (PlayerFile.System system : PlayerFile.System.values()) {
      assertThatThrownBy(() -> PlayerFile.find(root, system))
          .isInstanceOf(NoSuchFileException.class)
          .hasMessage(root + ": is no player. Remedy: name the file that Unity built");
    }
  }

  @Test
  void aFileWithoutTheRightToRunIsNamed() throws IOException {
    Path file = file("Game.x86_64");
    file.toFile().setExecutable(false);
    assertThatThrownBy(() -> find("Game", PlayerFile.System.LINUX))
        .isInstanceOf(AccessDeniedException.class)
        .hasMessage("%1$s: is not executable. Remedy: chmod +x %1$s".formatted(file));
  }
}
