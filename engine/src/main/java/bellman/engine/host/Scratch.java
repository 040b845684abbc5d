package bellman.engine.host;

/** One worker's own arrays: a kernel computes on copies that nothing else can overlap. */
final class Scratch {
  /** Elements of a block: four blocks of floats fill a first-level cache of 32 KB. */
  static final int BLOCK = 2048;

  final float[] a = new float[BLOCK];
  final float[] b = new float[BLOCK];
  final float[] c = new float[BLOCK];
  final float[] d = new float[BLOCK];
  final int[] ints = new int[BLOCK];
  final int[] moreInts = new int[BLOCK];
  final byte[] bytes = new byte[BLOCK];
}
