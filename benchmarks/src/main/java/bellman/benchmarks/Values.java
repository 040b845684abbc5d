package bellman.benchmarks;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Other values of a parameter than its {@code @Param} names, for a GPU, which needs more work to be
 * busy, and for a quick look. Where one is empty the next coarser one counts: quickGpu, quick (for
 * quickGpu only where gpu is empty), gpu, {@code @Param}.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.FIELD)
@interface Values {
  String[] gpu() default {};

  String[] quick() default {};

  String[] quickGpu() default {};
}
