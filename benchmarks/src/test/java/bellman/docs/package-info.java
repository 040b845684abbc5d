/**
 * The pages for readers, {@code README.md} and {@code docs/}, held to what the code is: links lead
 * somewhere, excerpts stand in the files that a page links, and the drawing's arrows are the real
 * ones. They live here because this module sees all others.
 */
package bellman.docs;
