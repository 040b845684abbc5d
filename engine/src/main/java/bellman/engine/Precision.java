package bellman.engine;

/** How matrix products and convolutions multiply; sums are float32 in all three. */
public enum Precision {
  FP32,
  TF32,
  BF16
}
