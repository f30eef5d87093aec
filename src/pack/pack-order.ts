/**
 * The objects of a pack in their order: packed ones ascend by number, loose ones follow. Most numbers follow one
 * another, so what is kept is where they do not: a clone that waits for its client holds few bytes, not some for each
 * object.
 */
import type { NumberSet } from '../repository/number-set.ts';
import { FIRST_LOOSE } from '../repository/object-view.ts';
import { NumberList } from './number-list.ts';

export class PackOrder {
  readonly length: number;
  /** Stretches of packed objects whose numbers follow one another: of each the first number, and its index. */
  readonly #numbers: Uint32Array;
  /** With one more at the end: how many objects are packed. */
  readonly #indexes: Uint32Array;
  /** Numbers of the loose objects, in their order. */
  readonly #loose: Uint32Array;
  /** By the number of a loose object, one more than its place among them; 0 where it is not in the pack. */
  readonly #loosePlaces: Uint32Array;
  /** The stretch that was asked for last: mostly the next one asked for is the same. */
  #last = 0;

  /**
   * @param set what the pack holds
   * @param loose the loose ones among that, in the order that they are to have
   */
  constructor(set: NumberSet, loose: Uint32Array = set.looseNumbers()) {
    const numbers = new NumberList();
    const indexes = new NumberList();
    let packed = 0;
    set.eachStretch((first, end) => {
      numbers.push(first);
      indexes.push(packed);
      packed += end - first;
    });
    indexes.push(packed);
    this.#numbers = numbers.toArray();
    this.#indexes = indexes.toArray();
    this.#loose = loose;
    this.#loosePlaces = new Uint32Array(
      loose.reduce((most, number) => Math.max(most, number + 1 - FIRST_LOOSE), 0),
    );
    for (const [place, number] of loose.entries()) this.#loosePlaces[number - FIRST_LOOSE] = place + 1;
    this.length = packed + loose.length;
  }

  /** The number of the object at an index. */
  at(index: number): number {
    const packed = this.#packed;
    if (index >= packed) return this.#loose[index - packed];
    const k = this.#stretchAt(index);
    return this.#numbers[k] + index - this.#indexes[k];
  }

  /** The index of an object by its number, or -1. */
  indexOf(number: number): number {
    if (number >= FIRST_LOOSE) {
      const place = this.#loosePlaces[number - FIRST_LOOSE] ?? 0;
      return place === 0 ? -1 : this.#packed + place - 1;
    }
    const k = lastNotAbove(this.#numbers, this.#numbers.length, number);
    if (k < 0) return -1;
    const index = this.#indexes[k] + number - this.#numbers[k];
    return index < this.#indexes[k + 1] ? index : -1;
  }

  has(number: number): boolean {
    return this.indexOf(number) >= 0;
  }

  /** The index behind the packed object at `index` and those whose numbers follow its own without a gap. */
  stretchEnd(index: number): number {
    return this.#indexes[this.#stretchAt(index) + 1];
  }

  /** The numbers in their order. */
  *[Symbol.iterator](): Generator<number> {
    for (let index = 0; index < this.length; index++) yield this.at(index);
  }

  get #packed(): number {
    return this.#indexes[this.#numbers.length];
  }

  #stretchAt(index: number): number {
    const indexes = this.#indexes;
    if (index < indexes[this.#last] || index >= indexes[this.#last + 1]) {
      this.#last = lastNotAbove(indexes, this.#numbers.length, index);
    }
    return this.#last;
  }
}

/** The place of the last of the first `length` values that is not above `value`, or -1; they ascend. */
function lastNotAbove(values: Uint32Array, length: number, value: number): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
