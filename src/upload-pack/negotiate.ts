/** Acknowledgments: what both sides have, and whether that is enough to build a pack (protocol section 1.6). */
import type { CommitSource, WalkedCommit } from '../pack/commit-source.ts';
import type { Pace } from '../pack/pace.ts';
import type { LineBudget } from '../protocol/line-budget.ts';
import { COMMIT } from '../repository/object-format.ts';
import { sortInStretches } from '../sort-in-stretches.ts';
import { inStretches } from '../stretches.ts';

/** Bytes that a have takes here, and in its acknowledgment. */
const PER_HAVE = 256;

/** What a client is known to have, as far as it has said. */
export class Common {
  readonly source: CommitSource;
  /** Numbers of the haves that are here, each once, in the order of first mention. */
  readonly haves: number[] = [];
  /** Those to acknowledge in protocol v2: not a repeat, and not the parent of an earlier one. */
  readonly acknowledged: number[] = [];
  readonly #known = new Set<number>();
  readonly #budget: LineBudget;
  /** Commits that the client is known to have. */
  readonly theirs = new Set<number>();
  /** Date of the oldest commit among the haves. */
  oldest = Number.POSITIVE_INFINITY;
  /** Of as many haves as `#judged` says. */
  #ready = false;
  #judged = 0;

  constructor(source: CommitSource, budget: LineBudget) {
    this.source = source;
    this.#budget = budget;
  }

  /**
   * Takes an object that the client has; one that is not here is passed over, without a second look at the disk.
   * @param have hex
   * @returns whether it is here
   */
  add(have: string): boolean {
    const number = this.source.objects.view.findHex(have);
    if (number < 0) return false;
    // On a connection a client may repeat itself for as long as it likes.
    if (this.#known.has(number)) return true;
    this.#budget.keep(PER_HAVE);
    this.#known.add(number);
    this.haves.push(number);
    if (!this.theirs.has(number)) this.acknowledged.push(number);
    this.theirs.add(number);
    if (this.source.type(number) === COMMIT) {
      const { date, parents } = this.source.read(number);
      this.oldest = Math.min(this.oldest, date);
      for (const parent of parents) this.theirs.add(parent);
    }
    return true;
  }

  /**
   * Whether every want reaches something the client has, so that asking on would gain little. Wants that are no commits
   * count as reached; what is older than the oldest common commit is not looked at on the way.
   * @param wants always the same ones
   */
  async isReady(wants: readonly number[], pace: Pace): Promise<boolean> {
    // More haves never make it less ready.
    if (this.#ready || this.haves.length === this.#judged) return this.#ready;
    this.#judged = this.haves.length;
    const known = new Map<number, boolean>();
    try {
      for (const want of await oldestFirst(this.source, wants, pace)) {
        if (!(await reaches(this.source, want, this, known, pace))) return false;
      }
      this.#ready = true;
    } catch {
      pace.check();
    }
    return this.#ready;
  }
}

/** Wanted commits in git's order: what an old one reaches is known when a young one comes to it. */
async function oldestFirst(source: CommitSource, wants: readonly number[], pace: Pace): Promise<number[]> {
  const commits: Dated[] = [];
  for (const want of wants) {
    const { target } = source.peel(want);
    if (source.type(target) === COMMIT) {
      const { date, generation } = source.read(target);
      commits.push({ number: target, date, generation });
    }
    if (pace.due()) await pace.pause();
  }
  const sorted = await inStretches(sortInStretches(commits, compareAge), pace.pauseIfDue);
  return sorted.map(({ number }) => number);
}

interface Dated {
  readonly number: number;
  readonly date: number;
  readonly generation: number;
}

function compareAge(a: Dated, b: Dated): number {
  // Two that are not in the graph are both infinite, and their difference is no number.
  return a.generation === b.generation ? a.date - b.date : a.generation - b.generation;
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
  { theirs, oldest }: Pick<Common, 'theirs' | 'oldest'>,
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
