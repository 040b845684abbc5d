package bellman.engine.backend;

/**
 * Pictures [n, h, w, c] that lie in a table as bytes: picture i is row index[i], behind a gate. Of
 * its c channels those of one block are bytes / 255 and all others 0.
 *
 * @param frames [F, h·w·channels] uint8
 * @param index [n] int32
 * @param about [F, words] int32: the first word is the block of a row's picture
 * @param words of each row of about
 * @param channels of a block; c is a multiple of it
 */
public record BytePictures(Buffer frames, Buffer index, Buffer about, int words, int channels) {}
