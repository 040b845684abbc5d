/**
 * The oracle: plain loops, in double. Read next: {@code bellman.engine.host}, the fast CPU kernels.
 */
package bellman.engine.reference;
