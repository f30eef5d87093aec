/** How many threads can run at once. */
import type { CpuUse } from './control-group.ts';

/**
 * What control groups allow, rounded up. Node 24 looks at them itself, but rounds down and only where they are mounted
 * at /sys/fs/cgroup; Node 20 does not look.
 * @param parallelism what the system says, from `os.availableParallelism()`
 */
export function processors(parallelism: number, groups: Iterable<CpuUse>): number {
  return Math.min(parallelism, ...Array.from(groups, ({ quota }) => Math.max(1, Math.ceil(quota))));
}
