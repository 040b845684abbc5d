package bellman.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Folders that look like machines. */
class LibrarySearchTest {
  @TempDir Path root;

  @BeforeEach
  void linuxNames() {
    assumeFalse(File.separatorChar == '\\', "the machines here are Linux");
  }

  private Path put(String file) throws IOException {
    Path path = root.resolve(file);
    Files.createDirectories(path.getParent());
    return Files.writeString(path, file);
  }

  private void toolkit(String folder, int major) throws IOException {
    for (String library : new String[] {"cublas", "cublasLt", "nvrtc"}) {
      put(folder + "/lib" + library + ".so." + major);
    }
  }

  private LibrarySearch search(String explicit, Map<String, String> environment) {
    return LibrarySearch.of(explicit, environment, root, root.resolve("home/ada"));
  }

  @Test
  void theUsersFolderComesFirstThenCudaHomeThenTheSystem() throws IOException {
    Path system = put("usr/lib/x86_64-linux-gnu/libcudnn.so.9");
    assertThat(search(null, Map.of()).find("libcudnn.so.9", null)).contains(system);
    Path home = put("cuda/lib64/libcudnn.so.9");
    Map<String, String> environment = Map.of("CUDA_HOME", root.resolve("cuda").toString());
    assertThat(search(null, environment).find("libcudnn.so.9", null)).contains(home);
    Path mine = put("mine/libcudnn.so.9");
    assertThat(search(root.resolve("mine").toString(), environment).find("libcudnn.so.9", null))
        .contains(mine);
  }

  @Test
  void theLinkersConfigurationAndTheNewestToolkit() throws IOException {
    Path old = put("usr/local/cuda-12.4/lib64/libcublas.so.12");
    assertThat(search(null, Map.of()).find("libcublas.so.12", null)).contains(old);
    Path fresh = put("usr/local/cuda-12.6/lib64/libcublas.so.12");
    assertThat(search(null, Map.of()).find("libcublas.so.12", null)).contains(fresh);
    Files.createDirectories(root.resolve("etc/ld.so.conf.d"));
    Files.writeString(root.resolve("etc/ld.so.conf.d/cuda.conf"), "# a comment\n/opt/x/lib\n");
    Path configured = put("opt/x/lib/libcublas.so.12");
    assertThat(search(null, Map.of()).find("libcublas.so.12", null)).contains(configured);
  }

  @Test
  void wheelsOfThePythonOnThePath() throws IOException {
    String packages = "venv/lib/python3.12/site-packages/nvidia/";
    toolkit(packages + "cu13/lib", 13);
    Path cudnn = put(packages + "cudnn/lib/libcudnn.so.9");
    put("venv/bin/python3");
    LibrarySearch search = search(null, Map.of("PATH", root.resolve("venv/bin").toString()));
    CudaLibraries.Installation found = CudaLibraries.choose(search, 13000);
    assertThat(found.major()).isEqualTo(13);
    assertThat(found.cudnn()).isEqualTo(cudnn);
    assertThat(found.cublas().getParent()).isEqualTo(found.nvrtc().getParent());
  }

  @Test
  void cuda12WinsAndCudnnComesFromTheSamePlace() throws IOException {
    toolkit("usr/local/cuda-13.0/lib64", 13);
    put("usr/local/cuda-13.0/lib64/libcudnn.so.9");
    toolkit("usr/local/cuda-12.6/lib64", 12);
    Path own = put("usr/local/cuda-12.6/lib64/libcudnn.so.9");
    CudaLibraries.Installation found = CudaLibraries.choose(search(null, Map.of()), 13000);
    assertThat(found.major()).isEqualTo(12);
    assertThat(found.cudnn()).isEqualTo(own);
  }

  @Test
  void anOldDriverCannotRunCuda13() throws IOException {
    toolkit("usr/local/cuda-13.0/lib64", 13);
    put("usr/local/cuda-13.0/lib64/libcudnn.so.9");
    LibrarySearch search = search(null, Map.of());
    assertThat(CudaLibraries.choose(search, 13000).major()).isEqualTo(13);
    assertThatThrownBy(() -> CudaLibraries.choose(search, 12080))
        .hasMessageStartingWith(
            "missing of CUDA 12: libcublas.so.12, libcublasLt.so.12, libnvrtc.so.12 (the driver"
                + " knows CUDA up to 12.8). Looked in ");
  }

  @Test
  void whatIsMissingIsNamedWithWhereItWasLookedForAndHowToGetIt() throws IOException {
    toolkit("usr/local/cuda-13.0/lib64", 13);
    assertThatThrownBy(() -> CudaLibraries.choose(search(null, Map.of()), 13010))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("of CUDA 13: libcudnn.so.9 (the driver knows CUDA up to 13.1)")
        .hasMessageContaining(root.resolve("usr/local/cuda-13.0/lib64").toString())
        .hasMessageContaining("bellman.cuda.lib");
  }

  @Test
  void windowsNames() {
    assertThat(CudaLibraries.fileName("cublas", 12, true)).isEqualTo("cublas64_12.dll");
    assertThat(CudaLibraries.fileName("nvrtc", 12, true)).isEqualTo("nvrtc64_120_0.dll");
    assertThat(CudaLibraries.fileName("cudnn", 12, true)).isEqualTo("cudnn64_9.dll");
    assertThat(CudaLibraries.fileName("cublasLt", 13, false)).isEqualTo("libcublasLt.so.13");
  }
}
