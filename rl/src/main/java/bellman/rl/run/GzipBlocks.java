package bellman.rl.run;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.stream.IntStream;
import java.util.zip.Deflater;
import java.util.zip.GZIPOutputStream;

/**
 * Compresses a stream in blocks of 1 MiB, several at a time: each becomes a member of a gzip file
 * (RFC 1952) with a checksum of its own, so that the whole is an ordinary gzip file. It needs
 * memory for a few blocks, however long the stream is.
 */
final class GzipBlocks extends OutputStream {
  private static final int BLOCK = 1 << 20;
  private static final int MOST = 16; // blocks at a time, on however many cores

  private final OutputStream out;
  private final byte[][] blocks;
  private int block;
  private int at; // within the block

  GzipBlocks(OutputStream out) {
    this.out = out;
    blocks = new byte[Math.min(Runtime.getRuntime().availableProcessors(), MOST)][BLOCK];
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] from, int start, int n) throws IOException {
    for (int done = 0; done < n; ) {
      if (at == BLOCK) {
        block++;
        at = 0;
        if (block == blocks.length) {
          drain(block);
        }
      }
      int part = Math.min(n - done, BLOCK - at);
      System.arraycopy(from, start + done, blocks[block], at, part);
      at += part;
      done += part;
    }
  }

  /** Compresses the first {@code full} blocks side by side and writes them in order. */
  private void drain(int full) throws IOException {
    byte[][] members = new byte[full][];
    IntStream.range(0, full).parallel().forEach(i -> members[i] = member(blocks[i], BLOCK));
    for (byte[] member : members) {
      out.write(member);
    }
    block = 0;
  }

  private static byte[] member(byte[] bytes, int n) {
    ByteArrayOutputStream member = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip =
        new GZIPOutputStream(member) {
          {
            def.setLevel(Deflater.BEST_SPEED);
          }
        }) {
      gzip.write(bytes, 0, n);
    } catch (IOException e) {
      throw new UncheckedIOException(e); // memory does not fail that way
    }
    return member.toByteArray();
  }

  @Override
  public void close() throws IOException {
    try (out) {
      int last = at;
      byte[] rest = blocks[block];
      drain(block);
      out.write(member(rest, last));
    }
  }
}
