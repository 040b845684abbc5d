package bellman.rl.picture;

import java.awt.image.BufferedImage;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageTypeSpecifier;
import javax.imageio.ImageWriter;
import javax.imageio.metadata.IIOMetadata;
import javax.imageio.metadata.IIOMetadataNode;
import javax.imageio.stream.ImageOutputStream;

/** Writes an animated GIF, picture by picture, that begins anew when it has ended. */
final class Film implements Closeable {
  private static final String FORMAT = "javax_imageio_gif_image_1.0";

  private final ImageWriter writer = ImageIO.getImageWritersByFormatName("gif").next();
  private final ImageOutputStream out;
  private boolean begun;

  /** An earlier file of this name is overwritten. */
  Film(Path file) throws IOException {
    Files.deleteIfExists(file); // the stream would only write over its beginning
    out = ImageIO.createImageOutputStream(file.toFile());
    if (out == null) {
      throw new IOException(file + " cannot be opened");
    }
    writer.setOutput(out);
    writer.prepareWriteSequence(null);
  }

  /**
   * Adds a picture of at most 256 colours; of more, similar ones are merged.
   *
   * @param millis how long it is shown; GIF counts hundredths of a second
   */
  void add(BufferedImage image, int millis) throws IOException {
    IIOMetadata about =
        writer.getDefaultImageMetadata(ImageTypeSpecifier.createFromRenderedImage(image), null);
    IIOMetadataNode root = (IIOMetadataNode) about.getAsTree(FORMAT);
    IIOMetadataNode control = child(root, "GraphicControlExtension");
    control.setAttribute("disposalMethod", "none");
    control.setAttribute("userInputFlag", "FALSE");
    control.setAttribute("transparentColorFlag", "FALSE");
    control.setAttribute("transparentColorIndex", "0");
    control.setAttribute("delayTime", Integer.toString(millis / 10));
    if (!begun) {
      IIOMetadataNode loop = new IIOMetadataNode("ApplicationExtension");
      loop.setAttribute("applicationID", "NETSCAPE");
      loop.setAttribute("authenticationCode", "2.0");
      loop.setUserObject(new byte[] {1, 0, 0}); // 0: without end
      child(root, "ApplicationExtensions").appendChild(loop);
      begun = true;
    }
    about.setFromTree(FORMAT, root);
    writer.writeToSequence(new IIOImage(image, null, about), null);
  }

  @Override
  public void close() throws IOException {
    try (out) {
      if (begun) {
        writer.endWriteSequence();
      }
    } finally {
      writer.dispose();
    }
  }

  private static IIOMetadataNode child(IIOMetadataNode root, String name) {
    for (int i = 0; i < root.getLength(); i++) {
      if (root.item(i).getNodeName().equals(name)) {
        return (IIOMetadataNode) root.item(i);
      }
    }
    IIOMetadataNode node = new IIOMetadataNode(name);
    root.appendChild(node);
    return node;
  }
}
