package bellman.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Links and excerpts of the pages. */
class PagesTest {
  private static final Path ROOT = Path.of("..");
  private static final Pattern LINK = Pattern.compile("\\[([^\\]]+)]\\(([^)\\s]+)\\)");
  private static final Pattern NAME = Pattern.compile("`(?:[A-Z]\\w*\\.)?(\\w+)`");

  private record Link(String text, String target) {}

  static List<Path> pages() throws IOException {
    List<Path> pages = new ArrayList<>(List.of(ROOT.resolve("README.md")));
    pages.addAll(docs());
    return pages;
  }

  static List<Path> docs() throws IOException {
    try (Stream<Path> files = Files.list(ROOT.resolve("docs"))) {
      return files.filter(f -> f.toString().endsWith(".md")).sorted().toList();
    }
  }

  private static List<Link> links(Path page) throws IOException {
    List<Link> links = new ArrayList<>();
    Matcher m = LINK.matcher(Files.readString(page));
    while (m.find()) {
      if (!m.group(2).matches("[a-z]+:.*")) {
        links.add(new Link(m.group(1), m.group(2)));
      }
    }
    return links;
  }

  /** A link to a file finds it, one to a heading finds that. */
  @ParameterizedTest
  @MethodSource("pages")
  void linksLeadSomewhere(Path page) throws IOException {
    List<Link> links = links(page);
    assertThat(links).isNotEmpty();
    for (Link link : links) {
      String[] parts = link.target.split("#", 2);
      Path target = parts[0].isEmpty() ? page : page.resolveSibling(parts[0]);
      assertThat(target).as(link.toString()).exists();
      if (parts.length == 2) {
        assertThat(headings(target)).as(link.toString()).contains(parts[1]);
      }
    }
  }

  /** Where a link's text is a name, as in `Tensor.linear`, the file knows its last part. */
  @ParameterizedTest
  @MethodSource("docs")
  void namesStandInTheFilesTheyLinkTo(Path page) throws IOException {
    int names = 0;
    for (Link link : links(page)) {
      Matcher name = NAME.matcher(link.text);
      if (name.matches()) {
        names++;
        String file = Files.readString(page.resolveSibling(link.target));
        boolean known = Pattern.compile("\\b" + name.group(1) + "\\b").matcher(file).find();
        assertThat(known).as("the file knows the name: %s", link).isTrue();
      }
    }
    assertThat(names).isPositive();
  }

  /** Every line of Java and CUDA stands, as it is, in a file that the page links. */
  @ParameterizedTest
  @MethodSource("docs")
  void excerptsAreTheFilesOwn(Path page) throws IOException {
    Set<String> known = new HashSet<>();
    for (Link link : links(page)) {
      Path target = page.resolveSibling(link.target.split("#", 2)[0]);
      if (target.toString().matches(".*\\.(java|cu)")) {
        known.addAll(Files.readAllLines(target));
      }
    }
    boolean code = false;
    for (String line : Files.readAllLines(page)) {
      if (line.startsWith("```")) {
        code = line.equals("```java") || line.equals("```c");
      } else if (code && !line.isBlank()) {
        assertThat(known.contains(line)).as("%s: in a linked file: <%s>", page, line).isTrue();
      }
    }
  }

  /** As the web page names them: small letters, hyphens for spaces, nothing else but words. */
  private static List<String> headings(Path page) throws IOException {
    return Files.readAllLines(page).stream()
        .filter(line -> line.startsWith("#"))
        .map(line -> line.replaceFirst("^#+ ", "").toLowerCase(Locale.ROOT))
        .map(line -> line.replaceAll("[^\\w -]", "").replace(' ', '-'))
        .toList();
  }
}
