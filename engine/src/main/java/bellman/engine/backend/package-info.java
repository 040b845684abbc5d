/**
 * The contract that every backend keeps: kernels over opaque buffers. {@link
 * bellman.engine.backend.Backend} lists them, {@link bellman.engine.backend.Pointwise} is the table
 * of elementwise functions. Read next: {@code bellman.engine.reference}, the plainest backend.
 */
package bellman.engine.backend;
