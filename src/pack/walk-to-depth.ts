/** Trees and blobs that stand above a depth: what the filter `tree:<n>` leaves. */
import type { AllTreesWalk } from './walk-all-trees.ts';

/**
 * Marks what stands anywhere above a depth. Levels are walked one after the other, all that stands at depth 0 first,
 * so that an object is met where it stands least deep.
 * @param levels a walk that has not begun
 * @param roots trees at depth 0
 * @param named trees that wants name: they are marked whatever the depth, and what stands in them is at depth 0
 * @param depth at least 1
 */
export async function walkToDepth(
  levels: AllTreesWalk,
  roots: readonly number[],
  named: readonly number[],
  depth: number,
): Promise<void> {
  await levels.enter(named);
  await levels.descend();
  await levels.enter(roots);
  for (let level = 1; level < depth && !levels.isDone; level++) await levels.descend();
}
