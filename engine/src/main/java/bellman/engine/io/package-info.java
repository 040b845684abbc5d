/**
 * Numbers in files: {@link bellman.engine.io.Safetensors} reads and writes named arrays. It holds
 * no tensors and knows no device; of the engine it uses {@link bellman.engine.Shape} alone. Outside
 * this package nothing of the engine parses JSON. Read next: {@code bellman.nn}, whose weights are
 * what these files usually hold.
 */
package bellman.engine.io;
