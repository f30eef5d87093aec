/** Where objects stand in the order of a pack: packed ones ascend, loose ones follow by type and id. */
import { FIRST_LOOSE } from '../repository/object-view.ts';

export class PackOrder {
  readonly #numbers: Uint32Array;
  /** How many are packed. */
  readonly #packed: number;
  /** By the number of a loose object, one more than its index; 0 where it is not in the pack. */
  readonly #loose: Uint32Array;

  /** @param numbers those of the objects, in their order */
  constructor(numbers: Uint32Array) {
    let first = numbers.length;
    let end = FIRST_LOOSE;
    for (; first > 0 && numbers[first - 1] >= FIRST_LOOSE; first--)
      end = Math.max(end, numbers[first - 1] + 1);
    this.#numbers = numbers;
    this.#packed = first;
    this.#loose = new Uint32Array(end - FIRST_LOOSE);
    for (let i = first; i < numbers.length; i++) this.#loose[numbers[i] - FIRST_LOOSE] = i + 1;
  }

  /** The index of an object by its number, or -1. */
  indexOf(number: number): number {
    if (number >= FIRST_LOOSE) return (this.#loose[number - FIRST_LOOSE] ?? 0) - 1;
    let low = 0;
    let high = this.#packed - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const value = this.#numbers[middle];
      if (value === number) return middle;
      if (value < number) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }
}
