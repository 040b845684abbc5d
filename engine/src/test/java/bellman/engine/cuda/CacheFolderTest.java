package bellman.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CacheFolderTest {
  @TempDir Path root;

  @Test
  void aDamagedLibraryIsWrittenAnew() throws IOException {
    CacheFolder cache = new CacheFolder(root);
    byte[] contents = {1, 2, 3, 4};
    Path file = cache.library("libx.so", contents);
    assertThat(file).hasBinaryContent(contents);
    Files.write(file, new byte[] {1, 2}); // a start that was killed
    assertThat(cache.library("libx.so", contents)).isEqualTo(file).hasBinaryContent(contents);
    Files.write(file, new byte[] {1, 2, 3, 5}); // of the right length
    assertThat(cache.library("libx.so", contents)).hasBinaryContent(contents);
    assertThat(cache.library("libx.so", new byte[] {9})).isNotEqualTo(file);
    try (var left = Files.list(file.getParent())) {
      assertThat(left).containsExactly(file);
    }
  }

  @Test
  void aDamagedKernelCountsAsAbsent() throws IOException {
    CacheFolder cache = new CacheFolder(root);
    assertThat(cache.load("k")).isEmpty();
    cache.store("k", new byte[] {5, 6, 7});
    assertThat(cache.load("k")).get().isEqualTo(new byte[] {5, 6, 7});
    Path file = root.resolve("kernels/k");
    byte[] all = Files.readAllBytes(file);
    all[all.length - 1]++;
    Files.write(file, all);
    assertThat(cache.load("k")).isEmpty();
    Files.write(file, new byte[3]);
    assertThat(cache.load("k")).isEmpty();
  }

  @Test
  void itsPlace() {
    assertThat(CacheFolder.place(null, Map.of(), "/home/ada"))
        .isEqualTo(Path.of("/home/ada/.cache/bellman"));
    assertThat(CacheFolder.place(null, Map.of("XDG_CACHE_HOME", "/c"), "/home/ada"))
        .isEqualTo(Path.of("/c/bellman"));
    assertThat(CacheFolder.place("/p", Map.of("XDG_CACHE_HOME", "/c"), "/home/ada"))
        .isEqualTo(Path.of("/p"));
  }
}
