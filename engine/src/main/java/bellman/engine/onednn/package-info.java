/**
 * CPU speed: products and convolutions through oneDNN, in native memory. The only package that sees
 * {@code org.bytedeco}. Depends on {@code bellman.engine.host}. Read next: {@code
 * bellman.engine.Devices}, which chooses.
 */
package bellman.engine.onednn;
