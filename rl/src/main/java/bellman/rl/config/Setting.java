package bellman.rl.config;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Declares a record component of {@link RunConfig} as a setting. The component gives its name, its
 * type and, in kebab case, its flag.
 */
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface Setting {
  /** What it does, in a line, with its unit. */
  String doc();

  /**
   * The default as a user would write it. For optional types the word that stands for "absent";
   * empty for lists, maps and switches that are off.
   */
  String byDefault() default "";

  /**
   * Where it stands in a YAML file; {@code *} is the name of the behavior. The first place is
   * written, all are read. None: the setting belongs to one call, not to a run, and is a flag only.
   */
  String[] yaml() default {};

  /** Belongs to one call: a file may say it, but a run's own configuration does not keep it. */
  boolean once() default false;

  /** What the help calls its value. */
  String label() default "";

  /** The smallest value allowed. */
  double min() default Double.NEGATIVE_INFINITY;

  /** The largest value allowed. */
  double max() default Double.POSITIVE_INFINITY;

  /** Whether {@link #min} itself is not allowed. */
  boolean above() default false;

  /** A pattern that text must match; {@link #form} says it in words. */
  String matches() default "";

  /** {@link #matches} for people. */
  String form() default "";
}
