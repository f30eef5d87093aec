/** What a walk knows about every object of a view. */
import { NumberSet } from '../repository/number-set.ts';
import type { ObjectView } from '../repository/object-view.ts';

/** The walk has met the object on the wanted side. */
export const WANTED = 1;
/** The client has the object. */
export const EXCLUDED = 2;
/** A commit that waits in the walk's queue. */
export const QUEUED = 4;

/** A set for each mark, so that bitmaps can be put into them as they are. */
export class Marks {
  readonly wanted: NumberSet;
  readonly excluded: NumberSet;
  readonly #queued: NumberSet;
  readonly #within: NumberSet | undefined;

  /** @param within what is not in this set, where one is given, {@link has} takes to be EXCLUDED */
  constructor(
    view: ObjectView,
    wanted = new NumberSet(view),
    excluded = new NumberSet(view),
    within?: NumberSet,
  ) {
    this.wanted = wanted;
    this.excluded = excluded;
    this.#within = within;
    this.#queued = new NumberSet(view);
  }

  get(number: number): number {
    return (
      (this.wanted.has(number) ? WANTED : 0) |
      (this.excluded.has(number) ? EXCLUDED : 0) |
      (this.#queued.has(number) ? QUEUED : 0)
    );
  }

  has(number: number, bits: number): boolean {
    if (bits & WANTED && this.wanted.has(number)) return true;
    if (bits & EXCLUDED && (this.excluded.has(number) || this.#within?.has(number) === false)) return true;
    return (bits & QUEUED) !== 0 && this.#queued.has(number);
  }

  /** Sets bits; returns what was set before. */
  add(number: number, bits: number): number {
    const before = this.get(number);
    if (bits & WANTED) this.wanted.add(number);
    if (bits & EXCLUDED) this.excluded.add(number);
    if (bits & QUEUED) this.#queued.add(number);
    return before;
  }

  remove(number: number, bits: number): void {
    if (bits & WANTED) this.wanted.delete(number);
    if (bits & EXCLUDED) this.excluded.delete(number);
    if (bits & QUEUED) this.#queued.delete(number);
  }
}
