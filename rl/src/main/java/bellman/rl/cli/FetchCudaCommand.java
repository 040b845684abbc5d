package bellman.rl.cli;

import bellman.engine.cuda.CudaRedist;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code bellman fetch-cuda}: for a machine that has NVIDIA's driver and nothing else of CUDA. */
@Command(
    name = "fetch-cuda",
    header = "Get cuBLAS, cuDNN and NVRTC for a machine that has only NVIDIA's driver (2 GB).",
    synopsisHeading = "%nUsage: ",
    customSynopsis = "bellman fetch-cuda [OPTIONS]",
    description = {
      "",
      "They come from the artifact "
          + CudaRedist.NAME
          + " (Linux or Windows on x86-64), which Maven (mvn, on PATH) fetches from where your"
          + " settings say. The libraries are NVIDIA's, under the licences of CUDA and cuDNN, and go"
          + " to Bellman's cache folder, where they are found last of all places."
    },
    optionListHeading = "%nOptions:%n")
final class FetchCudaCommand implements Callable<Integer> {
  private final Streams streams;

  @Option(
      names = "--jar",
      paramLabel = "FILE",
      description = "the artifact's file, if you have it; Maven is not needed then")
  private Path jar;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "print this")
  private boolean help;

  FetchCudaCommand(Streams streams) {
    this.streams = streams;
  }

  @Override
  public Integer call() throws InterruptedException {
    Optional<Path> before = CudaRedist.unpacked();
    if (before.isPresent()) {
      streams.out().println("there already: " + before.get() + "; delete it to unpack it anew");
      return Main.DONE;
    }
    Path file = jar == null ? fetched() : jar;
    try {
      Path folder = CudaRedist.unpack(file);
      streams.out().println("unpacked to " + folder + "; bellman doctor shows whether it serves");
      return Main.DONE;
    } catch (NoSuchFileException e) {
      throw new Failure(
          "%s does not exist; give the file of %s with --jar FILE"
              .formatted(file, CudaRedist.coordinates()),
          e);
    } catch (IOException e) {
      throw new Failure(e.getMessage(), e);
    }
  }

  /** The artifact in the local repository, brought there by Maven if need be. */
  private Path fetched() throws InterruptedException {
    Path repository = Path.of(System.getProperty("user.home"), ".m2", "repository");
    Path file = CudaRedist.in(repository);
    if (Files.exists(file)) {
      return file;
    }
    streams.out().println("fetching " + CudaRedist.coordinates() + ", 2 GB ...");
    streams.flush();
    String mvn = System.getProperty("os.name").startsWith("Windows") ? "mvn.cmd" : "mvn";
    String artifact = "-Dartifact=" + CudaRedist.coordinates();
    String here = "-Dmaven.repo.local=" + repository; // whatever its settings say
    try {
      int status =
          new ProcessBuilder(mvn, "-B", "dependency:get", "-Dtransitive=false", artifact, here)
              .inheritIO()
              .start()
              .waitFor();
      if (status != 0) {
        throw new Failure("Maven ended with " + status + "; what it said stands above");
      }
      return file;
    } catch (IOException e) {
      throw new Failure(
          String.format(
              "Maven does not start (%s): install it, or get %s in another way and give the file"
                  + " with --jar FILE",
              e.getMessage(), CudaRedist.coordinates()),
          e);
    }
  }
}
