package bellman.engine;

import bellman.engine.backend.Recording;
import bellman.engine.backend.RecordingException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * A step that is the same every time. The first run launches kernel by kernel, and finds algorithms
 * and memory as it goes; the second records the same kernels, if the backend can, and from then on
 * a run replays the recording. On the CPU every run calls the body, and so it does on a GPU that
 * refuses to record it; a warning then says why. So k runs are exactly k steps on every backend.
 *
 * <p>The body must not read a tensor, upload values or have any other effect on the host: it runs
 * twice at most. Whatever changes between runs lies in device memory ({@link Device#state}). Its
 * results are handles, valid until the next run.
 *
 * <p>The step owns its memory until it closes: nobody else gets an address of it, whatever scopes
 * close inside the body. A step within a step is a part of the outer one. Whoever changes the
 * shapes that the body works on closes the step first: the next two runs find and record it anew.
 *
 * @param <T> what the body returns: a tensor, or a record of tensors
 */
public final class CapturedStep<T> implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(CapturedStep.class.getName());

  private final Device device;
  private final String name;
  private final Supplier<T> body;
  private final Arena arena = new Arena();
  private final Map<Scope, Tensor> outside = new HashMap<>(); // one of each that the body uses
  private Scope memory;
  private boolean ran;
  private Recording recording;
  private String refusal;
  private T result; // of a recording: the same buffers in every run

  CapturedStep(Device device, String name, Supplier<T> body) {
    this.device = device;
    this.name = name;
    this.body = body;
  }

  /** Runs the step once. */
  public T run() {
    if (device.isRecording()) {
      return body.get();
    }
    if (recording != null) {
      device.checkUse();
      outside.values().forEach(Tensor::buffer); // an error, if it may be somebody else's by now
      recording.launch();
      return result;
    }
    endResults();
    List<T> results = new ArrayList<>(1);
    if (ran && refusal == null && record(results)) {
      recording.launch();
    } else if (results.isEmpty()) {
      results.add(runBody());
      ran = true;
    }
    result = results.get(0);
    return result;
  }

  /** Whether the backend has kept the body's work; if not, it may have done it. */
  private boolean record(List<T> results) {
    try {
      recording = device.backend().record(() -> results.add(runBody())).orElse(null);
    } catch (RecordingException e) {
      results.clear();
      endResults();
      refusal = e.getMessage();
      LOG.log(
          System.Logger.Level.WARNING,
          "Step '" + name + "' runs kernel by kernel, which is slower: " + refusal);
    }
    return recording != null;
  }

  /** Why the backend could not record the step, so that each run is direct; empty: it could. */
  public Optional<String> refusal() {
    return Optional.ofNullable(refusal);
  }

  private T runBody() {
    return device.in(
        arena,
        () -> {
          memory = device.scope(name);
          outside.clear();
          device.recording(name, outside);
          try {
            return body.get();
          } finally {
            device.recording(null, null);
            outside.keySet().removeIf(scope -> scope == memory || !scope.isOpen());
            device.detach(memory); // off the stack, yet alive until the next run
          }
        });
  }

  /** The last run's memory goes back to the arena, where the next run finds it. */
  private void endResults() {
    if (memory != null) {
      device.in(
          arena,
          () -> {
            device.end(memory);
            return null;
          });
      memory = null;
    }
  }

  /** Ends the lifetime of the last run's results, and forgets the recording. */
  @Override
  public void close() {
    if (recording != null) {
      recording.close();
      recording = null;
    }
    result = null;
    endResults();
    device.recycle(arena);
    ran = false;
    refusal = null;
  }
}
