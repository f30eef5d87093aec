/** Which commits to send: those reachable from the wanted ones and not from the excluded ones. */
import { END_OF_DATES } from '../repository/commit-graph.ts';
import { sortInStretches } from '../sort-in-stretches.ts';
import { inStretches } from '../stretches.ts';
import { CommitQueue } from './commit-queue.ts';
import type { CommitSource, WalkedCommit } from './commit-source.ts';
import { EXCLUDED, type Marks, QUEUED, WANTED } from './marks.ts';
import { NumberList } from './number-list.ts';
import type { Pace } from './pace.ts';

export interface CommitWalk {
  /** Root trees of the commits to send, the youngest commit's first. */
  readonly trees: number[];
  /** Root trees of excluded commits that are parents of commits to send, youngest first: what the client surely has. */
  readonly edgeTrees: number[];
}

/** For walks that decide more than how much is sent. */
export const CAREFUL_SLOP = 1000;

/** Where a walk ends early. */
export interface CommitLimits {
  /** Commits before this time, in seconds since 1970, are not found, nor is what only they reach. */
  readonly since?: number;
  /** How many excluded commits are looked at after the last wanted one, against clocks that ran wrong: 5 as in git. */
  readonly slop?: number;
}

/**
 * Marks commits WANTED and EXCLUDED. A commit that is reachable from both sides ends up with both marks and is not to
 * be sent. Commits with corrected dates are taken by those, descendants first, which finds every EXCLUDED mark.
 * Others are taken by their dates: clocks that ran wrong can leave a mark out, never put one in: a pack may hold too much.
 * @param seen called with the number of commits met so far
 */
export async function walkCommits(
  source: CommitSource,
  wanted: readonly number[],
  excluded: readonly number[],
  marks: Marks,
  pace: Pace,
  seen: (commits: number) => void,
  { since = 0, slop = 5 }: CommitLimits = {},
): Promise<CommitWalk> {
  const queue = new CommitQueue();
  const waiting = new Map<number, WalkedCommit | undefined>();
  const found = new NumberList();
  const trees = new NumberList();
  /** Where a parent may turn out to be excluded: the place of the child in `found`, then the parent. */
  const links = new NumberList();
  let undecided = 0; // queued and not excluded
  let oldest = Number.POSITIVE_INFINITY;
  let left = slop;

  const read = (number: number): WalkedCommit | undefined => {
    try {
      return source.read(number);
    } catch (error) {
      if (marks.has(number, EXCLUDED)) return undefined; // the client's side may have holes
      throw error;
    }
  };
  const push = (number: number, mark: number) => {
    const before = marks.add(number, mark);
    if (before & mark) return;
    if (mark === EXCLUDED && before & QUEUED && before & WANTED) undecided--;
    if (before & QUEUED) return;
    // Wanted after excluded changes nothing; excluded after wanted must still reach the parents.
    if (before !== 0 && mark === WANTED) return;
    marks.add(number, QUEUED);
    if (mark === WANTED) undecided++;
    const commit = read(number);
    waiting.set(number, commit);
    queue.push(number, commit ? queueDate(commit) : 0);
  };
  const tips = [[excluded, EXCLUDED] as const, [wanted, WANTED] as const];
  for (const [numbers, mark] of tips) {
    for (const number of numbers) {
      push(number, mark);
      if (pace.due()) await pace.pause();
    }
  }

  while (queue.size > 0) {
    if (undecided === 0) {
      if (queue.topDate < END_OF_DATES) break;
      if ((found.length === 0 || queue.topDate < oldest) && left-- <= 0) break;
    }
    const number = queue.pop();
    marks.remove(number, QUEUED);
    const isExcluded = marks.has(number, EXCLUDED);
    if (!isExcluded) undecided--;
    const commit = waiting.get(number);
    waiting.delete(number);
    if (!commit || (!isExcluded && commit.date < since)) continue;
    if (!isExcluded) source.checkWhole(number, commit);
    for (const parent of commit.parents) if (parent >= 0) push(parent, isExcluded ? EXCLUDED : WANTED);
    if (!isExcluded) {
      if (excluded.length > 0) {
        for (const parent of commit.parents) {
          links.push(found.length);
          links.push(parent);
        }
      }
      found.push(number);
      trees.push(commit.tree);
      oldest = Math.min(oldest, queueDate(commit));
      left = slop;
    }
    if (pace.due()) {
      seen(found.length);
      await pace.pause();
    }
  }

  const isSent = (place: number) => !marks.has(found.get(place), EXCLUDED);
  const sent: number[] = [];
  for (let i = 0; i < found.length; i++) {
    if (isSent(i)) sent.push(trees.get(i));
    if (pace.due()) await pace.pause();
  }
  const edges = new Map<number, number>();
  for (let i = 0; i < links.length; i += 2) {
    const parent = links.get(i + 1);
    if (marks.has(parent, EXCLUDED) && isSent(links.get(i)) && !edges.has(parent)) {
      const commit = read(parent);
      edges.set(parent, commit ? queueDate(commit) : 0);
    }
    if (pace.due()) await pace.pause();
  }
  const youngestFirst = await inStretches(
    sortInStretches([...edges], (a, b) => b[1] - a[1]),
    pace.pauseIfDue,
  );
  const parents = youngestFirst.map(([parent]) => parent);
  return { trees: sent, edgeTrees: await rootTrees(source, parents, pace) };
}

/**
 * The date that a walk goes by, the latest first: the corrected one where there is one. Commits without come before
 * all that have one: those have no descendants among these.
 */
function queueDate({ generation, date }: WalkedCommit): number {
  return generation < END_OF_DATES ? generation : END_OF_DATES + date;
}

/** Root trees of commits that the client has; one that cannot be read is passed over. */
export async function rootTrees(
  source: CommitSource,
  commits: Iterable<number>,
  pace: Pace,
): Promise<number[]> {
  const trees = new Set<number>();
  for (const number of commits) {
    try {
      const { tree } = source.read(number);
      if (tree >= 0) trees.add(tree);
    } catch {
      // Excluding less is always right.
    }
    if (pace.due()) await pace.pause();
  }
  return [...trees];
}
