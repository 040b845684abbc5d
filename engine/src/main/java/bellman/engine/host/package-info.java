/**
 * The CPU's kernels: {@link bellman.engine.host.HostBackend} holds every kernel that does not need
 * a matrix product, over {@link bellman.engine.host.HostBuffer}; {@link
 * bellman.engine.host.JavaBackend} adds products and convolutions in portable Java. Depends on
 * {@code bellman.engine.backend}. Read next: {@code bellman.engine.onednn}, the same kernels with
 * native products.
 */
package bellman.engine.host;
