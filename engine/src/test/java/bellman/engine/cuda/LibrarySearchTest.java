package bellman.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

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

  private LibrarySearch search(String folder, Map<String, String> environment) {
    return LibrarySearch.of(
        Optional.ofNullable(folder).map(root::resolve),
        environment,
        root,
        root.resolve("home/ada"),
        root.resolve("home/ada/.cache/bellman"));
  }

  /** Each place that is filled hides all that come later. */
  @Test
  void theOrderOfPlaces() throws IOException {
    Files.createDirectories(root.resolve("etc"));
    Files.writeString(root.resolve("etc/ld.so.conf"), "/opt/x/lib\n");
    put("bin/python3");
    Map<String, String> environment =
        Map.of(
            "LD_LIBRARY_PATH", root.resolve("ld").toString(),
            "CUDA_HOME", root.resolve("home1").toString(),
            "CUDA_PATH", root.resolve("home2").toString(),
            "PATH", root.resolve("bin").toString());
    String[] places = {
      "home/ada/.cache/bellman/cuda/12.6/libcudnn.so.9",
      "lib/python3.11/site-packages/nvidia/cudnn/lib/libcudnn.so.9",
      "usr/local/cuda-12.6/lib64/libcudnn.so.9",
      "opt/x/lib/libcudnn.so.9",
      "home2/lib64/libcudnn.so.9",
      "home1/lib64/libcudnn.so.9",
      "ld/libcudnn.so.9",
    };
    for (String place : places) {
      Path file = put(place);
      assertThat(search(null, environment).find("libcudnn.so.9", null)).contains(file);
    }
    Path mine = put("mine/libcudnn.so.9");
    assertThat(search("mine", environment).find("libcudnn.so.9", null)).contains(mine);
  }

  @Test
  void theUsersFolderWinsWhateverElseIsComplete() throws IOException {
    toolkit("usr/local/cuda-12.6/lib64", 12);
    put("usr/local/cuda-12.6/lib64/libcudnn.so.9");
    toolkit("torch/lib", 13);
    Path cudnn = put("torch/lib/libcudnn.so.9");
    CudaLibraries.Installation found = CudaLibraries.choose(search("torch", Map.of()), 13000);
    assertThat(found.major()).isEqualTo(13);
    assertThat(found.files().values()).allMatch(file -> file.startsWith(root.resolve("torch")));
    assertThat(found.file(NvidiaLibrary.CUDNN)).isEqualTo(cudnn);
    // A part of it is still what counts; that the rest is missing is not passed over.
    Files.delete(root.resolve("torch/lib/libnvrtc.so.13"));
    assertThatThrownBy(() -> CudaLibraries.choose(search("torch", Map.of()), 13000))
        .hasMessageStartingWith("missing of CUDA 13: libnvrtc.so.13;");
  }

  @Test
  void oneLibraryOfTheUsersGoesWithTheRestOfTheSystem() throws IOException {
    toolkit("usr/local/cuda-12.6/lib64", 12);
    put("usr/local/cuda-12.6/lib64/libcudnn.so.9");
    Path mine = put("mine/libcudnn.so.9");
    CudaLibraries.Installation found = CudaLibraries.choose(search("mine", Map.of()), 13000);
    assertThat(found.major()).isEqualTo(12);
    assertThat(found.file(NvidiaLibrary.CUDNN)).isEqualTo(mine);
  }

  /** As pip lays PyTorch's libraries: a folder for each. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "venv",
        "venv/lib/python3.12/site-packages",
        "venv/lib/python3.12/site-packages/nvidia",
        "venv/lib/python3.12/site-packages/nvidia/cublas/lib",
        "venv/lib/python3.12/site-packages/nvidia/cudnn"
      })
  void whateverFolderOfPyTorchsTheUserNames(String folder) throws IOException {
    String nvidia = "venv/lib/python3.12/site-packages/nvidia/";
    put(nvidia + "cublas/lib/libcublas.so.12");
    put(nvidia + "cublas/lib/libcublasLt.so.12");
    put(nvidia + "cuda_nvrtc/lib/libnvrtc.so.12");
    put(nvidia + "cudnn/lib/libcudnn.so.9");
    toolkit("usr/local/cuda-12.6/lib64", 12);
    CudaLibraries.Installation found = CudaLibraries.choose(search(folder, Map.of()), 13000);
    assertThat(found.files().values()).allMatch(file -> file.startsWith(root.resolve(nvidia)));
  }

  @Test
  void aFolderWithoutLibrariesIsAMistake() throws IOException {
    toolkit("usr/local/cuda-12.6/lib64", 12);
    put("usr/local/cuda-12.6/lib64/libcudnn.so.9");
    put("mine/readme");
    assertThatThrownBy(() -> CudaLibraries.choose(search("mine", Map.of()), 12060))
        .hasMessage(
            root.resolve("mine")
                + ", named as the folder of NVIDIA's libraries, holds none of CUDA 12; name the"
                + " folder of libcublas, a toolkit, or Python's site-packages");
    assertThatThrownBy(() -> search("mine/readme", Map.of()))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageEndingWith(", named as the folder of NVIDIA's libraries, is not a folder");
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
    assertThat(found.file(NvidiaLibrary.CUDNN)).isEqualTo(cudnn);
    assertThat(found.file(NvidiaLibrary.CUBLAS).getParent())
        .isEqualTo(found.file(NvidiaLibrary.NVRTC).getParent());
  }

  @Test
  void cuda12WinsAndCudnnComesFromTheSamePlace() throws IOException {
    toolkit("usr/local/cuda-13.0/lib64", 13);
    put("usr/local/cuda-13.0/lib64/libcudnn.so.9");
    toolkit("usr/local/cuda-12.6/lib64", 12);
    Path own = put("usr/local/cuda-12.6/lib64/libcudnn.so.9");
    CudaLibraries.Installation found = CudaLibraries.choose(search(null, Map.of()), 13000);
    assertThat(found.major()).isEqualTo(12);
    assertThat(found.file(NvidiaLibrary.CUDNN)).isEqualTo(own);
  }

  /** A cuDNN beside CUDA 13 is one for CUDA 13. */
  @Test
  void cudnnBesideItsCublasWinsOverAStrangersCudnn() throws IOException {
    toolkit("usr/local/cuda-12.6/lib64", 12);
    toolkit("opt/cuda-13.0/lib64", 13);
    Path cudnn = put("opt/cuda-13.0/lib64/libcudnn.so.9");
    CudaLibraries.Installation found = CudaLibraries.choose(search(null, Map.of()), 13000);
    assertThat(found.major()).isEqualTo(13);
    assertThat(found.file(NvidiaLibrary.CUDNN)).isEqualTo(cudnn);
    assertThat(CudaLibraries.choose(search(null, Map.of()), 12060).major()).isEqualTo(12);
  }

  @Test
  void anOldDriverCannotRunCuda13() throws IOException {
    toolkit("usr/local/cuda-13.0/lib64", 13);
    put("usr/local/cuda-13.0/lib64/libcudnn.so.9");
    LibrarySearch search = search(null, Map.of());
    assertThat(CudaLibraries.choose(search, 13000).major()).isEqualTo(13);
    assertThatThrownBy(() -> CudaLibraries.choose(search, 12080))
        .hasMessageStartingWith(
            "missing of CUDA 12: libcublasLt.so.12, libcublas.so.12, libnvrtc.so.12; the driver"
                + " knows CUDA up to 12.8. Looked in ")
        .hasMessageEndingWith(
            "Install the CUDA toolkit 12 or the wheels that PyTorch uses"
                + " (nvidia-cublas-cu12, nvidia-cuda-nvrtc-cu12), run bellman fetch-cuda, or name"
                + " the folder with --cuda-lib");
  }

  @Test
  void whatIsMissingIsNamedWithWhereItWasLookedForAndHowToGetIt() throws IOException {
    toolkit("usr/local/cuda-13.0/lib64", 13);
    assertThatThrownBy(() -> CudaLibraries.choose(search(null, Map.of()), 13010))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(
            "missing of CUDA 13: libcudnn.so.9; the driver knows CUDA up to 13.1. Looked in %s."
                    .formatted(root.resolve("usr/local/cuda-13.0/lib64"))
                + " Install cuDNN 9 for CUDA 13 or the wheels that PyTorch uses"
                + " (nvidia-cudnn-cu13), run bellman fetch-cuda, or name the folder with"
                + " --cuda-lib");
  }

  @Test
  void doctorHasARowForEachPiece() throws IOException {
    toolkit("usr/local/cuda-13.0/lib64", 13);
    LibrarySearch search = search(null, Map.of());
    IllegalStateException noDriver = new IllegalStateException("no NVIDIA driver: …");
    List<CudaReport.Row> rows = CudaReport.unloaded(search, Integer.MAX_VALUE, noDriver);
    Path lib = root.resolve("usr/local/cuda-13.0/lib64");
    assertThat(rows)
        .containsExactly(
            new CudaReport.Row(false, "CUDA", "no NVIDIA driver: …"),
            new CudaReport.Row(
                true,
                "cuBLAS",
                lib.resolve("libcublasLt.so.13")
                    + ", "
                    + lib.resolve("libcublas.so.13")
                    + ", not loaded"),
            new CudaReport.Row(true, "NVRTC", lib.resolve("libnvrtc.so.13") + ", not loaded"),
            new CudaReport.Row(
                false,
                "cuDNN 9",
                "missing: libcudnn.so.9. Install cuDNN 9 for CUDA 13 or the wheels that PyTorch"
                    + " uses (nvidia-cudnn-cu13), run bellman fetch-cuda, or name the folder with"
                    + " --cuda-lib"),
            new CudaReport.Row(false, "CUDA", "looked in " + lib));
    // That it does not load because a piece is missing is said once, by the piece's row.
    IllegalStateException missing = new IllegalStateException("missing of CUDA 13: …");
    assertThat(CudaReport.unloaded(search, 13000, missing))
        .extracting(CudaReport.Row::subject)
        .containsExactly("cuBLAS", "NVRTC", "cuDNN 9", "CUDA");
    // Without a driver nobody knows what else is missing.
    put("usr/local/cuda-13.0/lib64/libcudnn.so.9");
    assertThat(CudaReport.unloaded(search(null, Map.of()), Integer.MAX_VALUE, noDriver))
        .endsWith(new CudaReport.Row(false, "CUDA", "looked in " + lib));
  }

  @Test
  void theDriversVersion() {
    String open =
        "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build";
    String closed = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12";
    assertThat(CudaReport.moduleVersion(open)).contains("580.95.05");
    assertThat(CudaReport.moduleVersion(closed)).contains("535.183.01");
    assertThat(CudaReport.moduleVersion("")).isEmpty();
  }

  @Test
  void windowsNames() {
    assertThat(NvidiaLibrary.CUBLAS.file(12, true)).isEqualTo("cublas64_12.dll");
    assertThat(NvidiaLibrary.CUBLAS_LT.file(12, true)).isEqualTo("cublasLt64_12.dll");
    assertThat(NvidiaLibrary.NVRTC.file(12, true)).isEqualTo("nvrtc64_120_0.dll");
    assertThat(NvidiaLibrary.CUDNN.file(12, true)).isEqualTo("cudnn64_9.dll");
    assertThat(NvidiaLibrary.CUBLAS_LT.file(13, false)).isEqualTo("libcublasLt.so.13");
  }
}
