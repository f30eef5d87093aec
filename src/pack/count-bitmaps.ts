/** The count stage with reachability bitmaps: only what is younger than the nearest bitmap is walked. */
import type { NumberSet } from '../repository/number-set.ts';
import { inStretches, type Stretches } from '../stretches.ts';
import { CommitQueue } from './commit-queue.ts';
import type { CommitSource, WalkedCommit } from './commit-source.ts';
import { Marks } from './marks.ts';
import type { Pace } from './pace.ts';
import { TreeWalk } from './walk-trees.ts';

export interface Tips {
  readonly commits: readonly number[];
  readonly trees: readonly number[];
}

/** What is known to be reachable from some commits. */
export interface KnownReach {
  /** Whether a commit is one of those. */
  has(commit: number): boolean;
  /** Adds all that such a commit reaches, itself included, to a set. */
  addReachable(commit: number, set: NumberSet): Stretches<void>;
}

export class BitmapCount {
  readonly #source: CommitSource;
  readonly #known: KnownReach;
  readonly #pace: Pace;
  readonly #seen: (objects: number) => void;
  #walked = 0;

  /** @param seen called now and then with the number of objects that were walked so far */
  constructor(source: CommitSource, known: KnownReach, pace: Pace, seen: (objects: number) => void) {
    this.#source = source;
    this.#known = known;
    this.#pace = pace;
    this.#seen = seen;
  }

  /** Objects that were walked so far. */
  get walked(): number {
    return this.#walked;
  }

  /**
   * Adds to `set` all that the tips reach, but for what is in `stop`, which holds with every object all that it
   * reaches. So does `set`, before and after.
   * @throws PackhorseError `PACKHORSE_OBJECT_MISSING`, `PACKHORSE_REPOSITORY_CORRUPT`, `PACKHORSE_CANCELLED`
   */
  async fill(set: NumberSet, tips: Tips, stop: NumberSet): Promise<void> {
    const roots = await this.#fillCommits(set, tips.commits, stop);
    const marks = new Marks(this.#source.objects.view, set, stop);
    const walk = new TreeWalk(this.#source.objects, marks, this.#pace, this.#seen);
    await walk.walk([...roots, ...tips.trees], []);
    this.#walked += roots.length + walk.count;
  }

  /** @returns root trees of the commits that no bitmap covers, the youngest commit's first */
  async #fillCommits(set: NumberSet, commits: readonly number[], stop: NumberSet): Promise<number[]> {
    const queue = new CommitQueue();
    const waiting = new Map<number, WalkedCommit>();
    const roots: number[] = [];
    const enter = (number: number): Promise<void> | undefined => {
      if (set.has(number) || stop.has(number)) return undefined;
      if (this.#known.has(number))
        return inStretches(this.#known.addReachable(number, set), this.#pace.pauseIfDue);
      set.add(number);
      const commit = this.#source.read(number);
      this.#source.checkWhole(number, commit);
      waiting.set(number, commit);
      queue.push(number, commit.date);
      return undefined;
    };
    for (const number of commits) {
      const wait = enter(number);
      if (wait) await wait;
      if (this.#pace.due()) await this.#pace.pause();
    }
    while (queue.size > 0) {
      const number = queue.pop();
      const commit = waiting.get(number)!;
      waiting.delete(number);
      roots.push(commit.tree);
      for (const parent of commit.parents) {
        const wait = enter(parent);
        if (wait) await wait;
      }
      if (this.#pace.due()) {
        this.#seen(roots.length);
        await this.#pace.pause();
      }
    }
    return roots;
  }
}
