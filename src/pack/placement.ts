/** Where entries lie in the pack that is being written: for the distances of deltas. */

/** Entries whose place is kept at first. */
const LEAST = 16;

/**
 * Entries are known by their index in the order of the pack. What lies as far from an entry as it does in its own pack
 * is known by that one, so that nothing is done, or held, for each.
 */
export class Placement {
  /** Indexes of the entries that were placed in their turn, ascending, and by how much each has moved. */
  #indexes = new Uint32Array(LEAST);
  #shifts = new Float64Array(LEAST);
  #length = 0;
  /** By how much those have moved that were written before their turn. */
  readonly #ahead = new Map<number, number>();

  /**
   * Says that an entry lies at `offset`, in its turn, and those behind it as far from it as in their pack until another
   * is placed.
   * @param stored where it lies in its own pack; of one that lies in none any number, always the same
   */
  place(index: number, offset: number, stored: number): void {
    if (this.#length === this.#indexes.length) this.#grow();
    this.#indexes[this.#length] = index;
    this.#shifts[this.#length++] = offset - stored;
  }

  /** Says that one entry lies at `offset`, written before its turn. */
  placeAhead(index: number, offset: number, stored: number): void {
    this.#ahead.set(index, offset - stored);
  }

  /** Where an entry that has been written lies. */
  offsetOf(index: number, stored: number): number {
    const shift = this.#ahead.size > 0 ? this.#ahead.get(index) : undefined;
    return stored + (shift ?? this.#shifts[this.#lastUpTo(index)]);
  }

  #lastUpTo(index: number): number {
    let low = 0;
    let high = this.#length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#indexes[middle] <= index) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #grow(): void {
    const [indexes, shifts] = [this.#indexes, this.#shifts];
    this.#indexes = new Uint32Array(indexes.length * 2);
    this.#indexes.set(indexes);
    this.#shifts = new Float64Array(indexes.length * 2);
    this.#shifts.set(shifts);
  }
}
