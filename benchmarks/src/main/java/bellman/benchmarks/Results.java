package bellman.benchmarks;

import bellman.engine.io.AtomicFile;
import bellman.rl.cli.Failure;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * All measurements of a run, as {@code --json} writes them; {@code peers/torch_kernels.py} writes
 * the same.
 *
 * @param engine {@code bellman}, or whose they are
 * @param devices what each device calls itself
 */
record Results(String engine, Map<String, String> devices, List<Result> results) {
  static final String BELLMAN = "bellman";

  private static final ObjectMapper JSON = new ObjectMapper();

  Results {
    devices = new TreeMap<>(devices);
    results = List.copyOf(results);
  }

  void write(Path file) throws IOException {
    ObjectNode root = JSON.createObjectNode();
    root.put("engine", engine);
    ObjectNode names = root.putObject("devices");
    devices.forEach(names::put);
    var list = root.putArray("results");
    for (Result r : results) {
      ObjectNode node = list.addObject().put("benchmark", r.benchmark());
      ObjectNode parameters = node.putObject("parameters");
      r.parameters().forEach(parameters::put);
      node.put("us", r.us());
      number(node, "error", r.error());
      number(node, "allocated", r.allocated());
      node.put("flops", r.work().flops()).put("bytes", r.work().bytes());
      if (r.work().items() > 0) {
        node.put("items", r.work().items()).put("unit", r.work().unit());
      }
    }
    String text = JSON.writerWithDefaultPrettyPrinter().writeValueAsString(root) + "\n";
    AtomicFile.write(file, text.getBytes(StandardCharsets.UTF_8));
  }

  private static void number(ObjectNode node, String name, double value) {
    if (Double.isFinite(value)) {
      node.put(name, value);
    }
  }

  /**
   * Reads what {@link #write} or a peer wrote.
   *
   * @throws Failure if the file is no such thing
   */
  static Results read(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new Failure(file + ": there is no such file; --json writes one");
    }
    JsonNode root;
    try {
      root = JSON.readTree(file.toFile());
    } catch (IOException e) {
      throw new Failure(file + ": not JSON: " + firstLine(e.getMessage()), e);
    }
    Map<String, String> devices = new TreeMap<>();
    root.path("devices").properties().forEach(d -> devices.put(d.getKey(), d.getValue().asText()));
    List<Result> results = new ArrayList<>();
    for (JsonNode node : root.path("results")) {
      Map<String, String> parameters = new TreeMap<>();
      node.path("parameters")
          .properties()
          .forEach(p -> parameters.put(p.getKey(), p.getValue().asText()));
      Work work =
          new Work(
              node.path("flops").asDouble(),
              node.path("bytes").asDouble(),
              node.path("items").asDouble(),
              node.path("unit").asText(""));
      double us = node.path("us").asDouble(Double.NaN);
      if (!node.path("benchmark").isTextual() || !(us > 0)) {
        throw new Failure(
            file + ": a result needs a benchmark's name and us above 0, got " + shortened(node));
      }
      results.add(
          new Result(
              node.path("benchmark").asText(),
              parameters,
              us,
              node.path("error").asDouble(Double.NaN),
              node.path("allocated").asDouble(Double.NaN),
              work));
    }
    if (results.isEmpty()) {
      throw new Failure(
          file
              + ": no results in it; what --json or benchmarks/peers/torch_kernels.py writes is needed");
    }
    return new Results(root.path("engine").asText("?"), devices, results);
  }

  private static String firstLine(String text) {
    return text.lines().findFirst().orElse("");
  }

  private static String shortened(JsonNode node) {
    String text = node.toString();
    return text.length() > 80 ? text.substring(0, 80) + "…" : text;
  }
}
