/** Where entries lie in the pack that is being written: for the distances of deltas. */
import type { ObjectView } from '../repository/object-view.ts';
import { NumberList } from './number-list.ts';

/**
 * Entries are known by their index in the count. Stretches of entries that lie as they do in their own pack are known
 * by their first one, so that nothing is done for each of them.
 */
export class Placement {
  readonly #view: ObjectView;
  readonly #numbers: Uint32Array;
  /** 0 for what is not written yet, or lies in a stretch. No entry lies at 0: the pack's header does. */
  readonly #offsets: Float64Array;
  /** First entries of stretches, ascending. */
  readonly #stretches = new NumberList();

  constructor(view: ObjectView, numbers: Uint32Array) {
    this.#view = view;
    this.#numbers = numbers;
    this.#offsets = new Float64Array(numbers.length);
  }

  place(index: number, offset: number): void {
    this.#offsets[index] = offset;
  }

  /** Says that entries from `index` on are copied as they lie, the first one to `offset`. */
  placeStretch(index: number, offset: number): void {
    this.#offsets[index] = offset;
    this.#stretches.push(index);
  }

  /** Where an entry that has been written lies. */
  offsetOf(index: number): number {
    const own = this.#offsets[index];
    if (own !== 0) return own;
    const first = this.#stretchOf(index);
    return this.#offsets[first] + this.#storedAt(index) - this.#storedAt(first);
  }

  #stretchOf(index: number): number {
    let low = 0;
    let high = this.#stretches.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#stretches.get(middle) <= index) low = middle;
      else high = middle - 1;
    }
    return this.#stretches.get(low);
  }

  #storedAt(index: number): number {
    const { pack, rank } = this.#view.packedAt(this.#numbers[index]);
    return pack.index.offset(rank);
  }
}
