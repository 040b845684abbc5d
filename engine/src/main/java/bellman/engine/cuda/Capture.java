package bellman.engine.cuda;

import bellman.engine.backend.RecordingException;
import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;

/** Work for a stream, kept as a CUDA graph instead of being done. */
final class Capture {
  private static final int RELAXED = 2; // mode: other calls of this thread stay allowed

  private Capture() {}

  /**
   * The work as a graph that can be launched; the stream is as it was before, whatever happens.
   *
   * @throws RecordingException if CUDA keeps no such work; what the work throws while CUDA still
   *     would passes through
   */
  static CUgraphExec of(CUstream stream, Runnable work) {
    require(JCudaDriver.cuStreamBeginCapture(stream, RELAXED), "cuStreamBeginCapture", null);
    CUgraph graph = new CUgraph();
    try {
      work.run();
    } catch (RuntimeException | Error e) {
      int ended = JCudaDriver.cuStreamEndCapture(stream, graph);
      if (ended == 0) {
        JCudaDriver.cuGraphDestroy(graph);
      } else if (e instanceof RuntimeException) {
        require(ended, "cuStreamEndCapture", e);
      }
      throw e;
    }
    require(JCudaDriver.cuStreamEndCapture(stream, graph), "cuStreamEndCapture", null);
    CUgraphExec executable = new CUgraphExec();
    int status = JCudaDriver.cuGraphInstantiate(executable, graph, 0);
    JCudaDriver.cuGraphDestroy(graph);
    require(status, "cuGraphInstantiate", null);
    return executable;
  }

  private static void require(int status, String call, Throwable during) {
    if (status != 0) {
      throw new RecordingException(
          during == null ? Status.driverText(status, call) : during.getMessage(), during);
    }
  }
}
