/** Acknowledgments: what both sides have, and whether that is enough to build a pack (protocol section 1.6). */

import type { CommitSource, WalkedCommit } from '../pack/commit-source.ts';
import type { Pace } from '../pack/pace.ts';
import { COMMIT } from '../repository/object-format.ts';

export interface Common {
  /** Numbers of the haves that are here, in the order of first mention. */
  readonly haves: readonly number[];
  /** Those to acknowledge: not a repeat, and not the parent of an earlier one. */
  readonly acknowledged: readonly number[];
  /** Commits that the client is known to have. */
  readonly theirs: ReadonlySet<number>;
  /** Date of the oldest commit among the haves. */
  readonly oldest: number;
}

/** Haves that are not here are passed over, without a second look at the disk. */
export async function findCommon(
  source: CommitSource,
  haves: readonly string[],
  pace: Pace,
): Promise<Common> {
  const { view } = source.objects;
  const found: number[] = [];
  const acknowledged: number[] = [];
  const theirs = new Set<number>();
  let oldest = Number.POSITIVE_INFINITY;
  for (const have of haves) {
    const number = view.findHex(have);
    if (number < 0) continue;
    found.push(number);
    if (!theirs.has(number)) acknowledged.push(number);
    theirs.add(number);
    if (source.type(number) === COMMIT) {
      const { date, parents } = source.read(number);
      oldest = Math.min(oldest, date);
      for (const parent of parents) theirs.add(parent);
    }
    if (pace.due()) await pace.pause();
  }
  return { haves: found, acknowledged, theirs, oldest };
}

/**
 * Whether every want reaches something the client has, so that asking on would gain little. Wants that are no commits
 * count as reached; what is older than the oldest common commit is not looked at on the way.
 */
export async function isReady(
  source: CommitSource,
  wants: readonly number[],
  common: Common,
  pace: Pace,
): Promise<boolean> {
  if (common.haves.length === 0) return false;
  const known = new Map<number, boolean>();
  try {
    for (const want of await oldestFirst(source, wants, pace)) {
      if (!(await reaches(source, want, common, known, pace))) return false;
    }
    return true;
  } catch {
    pace.check();
    return false;
  }
}

/** Wanted commits in git's order: what an old one reaches is known when a young one comes to it. */
async function oldestFirst(source: CommitSource, wants: readonly number[], pace: Pace): Promise<number[]> {
  const commits: { number: number; date: number; generation: number }[] = [];
  for (const want of wants) {
    const { target } = source.peel(want);
    if (source.type(target) === COMMIT) {
      const { date, generation } = source.read(target);
      commits.push({ number: target, date, generation });
    }
    if (pace.due()) await pace.pause();
  }
  // Two that are not in the graph are both infinite, and their difference is no number.
  commits.sort((a, b) => (a.generation === b.generation ? a.date - b.date : a.generation - b.generation));
  return commits.map(({ number }) => number);
}

interface Step {
  readonly number: number;
  readonly commit: WalkedCommit;
  /** The parent to look at next. */
  next: number;
}

/**
 * Depth first. `known` keeps every answer (no, until it is found to be yes), so no commit is looked at twice. The
 * start itself may be of any age.
 */
async function reaches(
  source: CommitSource,
  start: number,
  { theirs, oldest }: Common,
  known: Map<number, boolean>,
  pace: Pace,
): Promise<boolean> {
  if (theirs.has(start) || known.get(start)) return true;
  known.set(start, false);
  const path: Step[] = [{ number: start, commit: source.read(start), next: 0 }];
  for (let top = path.at(-1); top; top = path.at(-1)) {
    if (top.next === top.commit.parents.length) {
      path.pop();
      continue;
    }
    const parent = top.commit.parents[top.next++];
    if (parent < 0) continue;
    if (theirs.has(parent) || known.get(parent)) {
      for (const { number } of path) known.set(number, true);
      return true;
    }
    if (known.has(parent)) continue;
    known.set(parent, false);
    const commit = source.read(parent);
    if (commit.date >= oldest) path.push({ number: parent, commit, next: 0 });
    if (pace.due()) await pace.pause();
  }
  return false;
}
