/** Where a history is cut: by depth, or by time and refs (protocol section 5.8). */
import type { CommitSource, WalkedCommit } from '../pack/commit-source.ts';
import { EXCLUDED, Marks } from '../pack/marks.ts';
import type { Pace } from '../pack/pace.ts';
import { CAREFUL_SLOP, walkCommits } from '../pack/walk-commits.ts';
import { COMMIT } from '../repository/object-format.ts';

export interface Boundary {
  /** Commits that are sent without their parents. */
  readonly commits: readonly number[];
  /** Whether a commit is sent with all of its parents. */
  readonly isInside: (number: number) => boolean;
  /** Whether no commit is left at all. */
  readonly empty?: boolean;
}

/**
 * Breadth first from the wants, which are at depth 1: what is met above `depth` is inside, what is at it, boundary.
 * @param own commits whose parents are not here: boundary wherever they are met
 */
export async function boundaryByDepth(
  source: CommitSource,
  wants: readonly number[],
  depth: number,
  own: ReadonlySet<number>,
  pace: Pace,
): Promise<Boundary> {
  const inside = new Set<number>();
  const commits: number[] = [];
  await walkLevels(source, wants, pace, (number, at) => {
    const cut = at >= depth || own.has(number);
    if (cut) commits.push(number);
    else inside.add(number);
    return !cut;
  });
  return { commits, isInside: (number) => inside.has(number) };
}

/** The least depth at which one of `commits` is met; undefined when none is. */
export async function depthOfFirst(
  source: CommitSource,
  wants: readonly number[],
  commits: ReadonlySet<number>,
  pace: Pace,
): Promise<number | undefined> {
  let found: number | undefined;
  await walkLevels(source, wants, pace, (number, at) => {
    if (commits.has(number)) found ??= at;
    return found === undefined;
  });
  return found;
}

/** History from `since` on that `not` does not reach; a commit with a parent beyond is boundary. */
export async function boundaryByLimits(
  source: CommitSource,
  wants: readonly number[],
  { since, not }: { since: number; not: readonly number[] },
  pace: Pace,
): Promise<Boundary> {
  const marks = new Marks(source.objects.view);
  const tips = await commitsOf(source, wants, pace);
  const beyond = await commitsOf(source, not, pace);
  const limits = { since, slop: CAREFUL_SLOP };
  if (beyond.length > 0) await walkCommits(source, tips, beyond, marks, pace, () => {}, limits);
  const dates = new Map<number, boolean>();
  const isIncluded = (number: number): boolean => {
    if (marks.has(number, EXCLUDED)) return false;
    let young = dates.get(number);
    if (young === undefined) {
      young = source.read(number).date >= since;
      dates.set(number, young);
    }
    return young;
  };
  const inside = new Set<number>();
  const commits: number[] = [];
  await walkLevels(source, tips, pace, (number, _, { parents }) => {
    if (!isIncluded(number)) return false;
    if (parents.every(isIncluded)) inside.add(number);
    else commits.push(number);
    return true;
  });
  return { commits, isInside: (number) => inside.has(number), empty: inside.size + commits.length === 0 };
}

/** Calls `visit` once for every commit, the least deep first; one for which it says no is not gone beyond. */
async function walkLevels(
  source: CommitSource,
  wants: readonly number[],
  pace: Pace,
  visit: (number: number, depth: number, commit: WalkedCommit) => boolean,
): Promise<void> {
  let level = await commitsOf(source, wants, pace);
  const met = new Set(level);
  for (let depth = 1; level.length > 0; depth++) {
    const below: number[] = [];
    for (const number of level) {
      const commit = source.read(number);
      if (!visit(number, depth, commit)) continue;
      source.checkWhole(number, commit);
      for (const parent of commit.parents) {
        if (met.has(parent)) continue;
        met.add(parent);
        below.push(parent);
      }
      if (pace.due()) await pace.pause();
    }
    level = below;
  }
}

/** The commits that wants lead to, each once. */
async function commitsOf(source: CommitSource, numbers: readonly number[], pace: Pace): Promise<number[]> {
  const commits = new Set<number>();
  for (const number of numbers) {
    const { target } = source.peel(number);
    if (source.type(target) === COMMIT) commits.add(target);
    if (pace.due()) await pace.pause();
  }
  return [...commits];
}
