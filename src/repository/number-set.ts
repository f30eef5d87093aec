/** A set of object numbers of a view: a bit for each. */
import { FIRST_LOOSE, type ObjectView } from './object-view.ts';

export class NumberSet {
  readonly #view: Pick<ObjectView, 'packedEnd'>;
  #packed: Uint32Array;
  #loose = new Uint32Array(8);

  constructor(view: Pick<ObjectView, 'packedEnd'>) {
    this.#view = view;
    this.#packed = new Uint32Array(view.packedEnd / 32);
  }

  has(number: number): boolean {
    if (number < FIRST_LOOSE) return ((this.#packed[number >>> 5] >>> (number & 31)) & 1) !== 0;
    const index = number - FIRST_LOOSE;
    return ((this.#loose[index >>> 5] >>> (index & 31)) & 1) !== 0;
  }

  add(number: number): void {
    if (number < FIRST_LOOSE) {
      if (number >>> 5 >= this.#packed.length) this.#packed = grown(this.#packed, this.#view.packedEnd / 32);
      this.#packed[number >>> 5] |= 1 << (number & 31);
      return;
    }
    const index = number - FIRST_LOOSE;
    if (index >>> 5 >= this.#loose.length) {
      this.#loose = grown(this.#loose, Math.max((index >>> 5) + 1, this.#loose.length * 2));
    }
    this.#loose[index >>> 5] |= 1 << (index & 31);
  }

  delete(number: number): void {
    if (number < FIRST_LOOSE) this.#packed[number >>> 5] &= ~(1 << (number & 31));
    else this.#loose[(number - FIRST_LOOSE) >>> 5] &= ~(1 << (number & 31));
  }

  /** The words of the numbers from `first`, a multiple of 32, on: `count` of them, to be read and written. */
  packedWords(first: number, count: number): Uint32Array {
    if (first / 32 + count > this.#packed.length)
      this.#packed = grown(this.#packed, this.#view.packedEnd / 32);
    return this.#packed.subarray(first / 32, first / 32 + count);
  }

  /** Whether the set holds a number from `first` on, a multiple of 32; loose objects have such numbers. */
  hasFrom(first: number): boolean {
    const some = (word: number) => word !== 0;
    return this.#loose.some(some) || this.#packed.subarray(first / 32).some(some);
  }

  /** Adds every number that is in `other`. */
  addAll(other: NumberSet): void {
    const packed = this.packedWords(0, other.#packed.length);
    for (let i = 0; i < packed.length; i++) packed[i] |= other.#packed[i];
    if (this.#loose.length < other.#loose.length) this.#loose = grown(this.#loose, other.#loose.length);
    for (let i = 0; i < other.#loose.length; i++) this.#loose[i] |= other.#loose[i];
  }

  /** Takes out every number that is in `other`. */
  subtract(other: NumberSet): void {
    clear(this.#packed, other.#packed);
    clear(this.#loose, other.#loose);
  }

  /** How many numbers there are. */
  count(): number {
    return countBits(this.#packed) + countBits(this.#loose);
  }

  /** Calls `visit` for each stretch of packed objects whose numbers follow one another, `end` being behind the last. */
  eachStretch(visit: (first: number, end: number) => void): void {
    const words = this.#packed;
    let first = -1;
    for (let i = 0; i < words.length; i++) {
      const word = words[i];
      // Where a bit differs from the one before it.
      let changes = word ^ ((word << 1) | (first < 0 ? 0 : 1));
      for (; changes !== 0; changes &= changes - 1) {
        const number = i * 32 + 31 - Math.clz32(changes & -changes);
        if (first < 0) {
          first = number;
        } else {
          visit(first, number);
          first = -1;
        }
      }
    }
    if (first >= 0) visit(first, words.length * 32);
  }

  /** The numbers of the loose objects, ascending. */
  looseNumbers(): Uint32Array {
    const numbers = new Uint32Array(countBits(this.#loose));
    listBits(this.#loose, FIRST_LOOSE, numbers, 0);
    return numbers;
  }

  /** The numbers, ascending. */
  toArray(): Uint32Array {
    const numbers = new Uint32Array(this.count());
    const at = listBits(this.#packed, 0, numbers, 0);
    listBits(this.#loose, FIRST_LOOSE, numbers, at);
    return numbers;
  }
}

function clear(words: Uint32Array, other: Uint32Array): void {
  const length = Math.min(words.length, other.length);
  for (let i = 0; i < length; i++) words[i] &= ~other[i];
}

export function countBits(words: Uint32Array): number {
  let count = 0;
  for (let i = 0; i < words.length; i++) {
    let word = words[i];
    if (word === 0) continue;
    word -= (word >>> 1) & 0x55555555;
    word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
    count += Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
  }
  return count;
}

/**
 * Writes the places of the bits that are set, plus `base`, to `into` from `at` on.
 * @returns the place behind the last one written
 */
export function listBits(words: Uint32Array, base: number, into: Uint32Array, at: number): number {
  let to = at;
  for (let i = 0; i < words.length; i++) {
    const word = words[i];
    const first = base + i * 32;
    if (word === 0xffffffff) for (let bit = 0; bit < 32; bit++) into[to++] = first + bit;
    else {
      for (let rest = word; rest !== 0; rest &= rest - 1) into[to++] = first + 31 - Math.clz32(rest & -rest);
    }
  }
  return to;
}

function grown(old: Uint32Array, length: number): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(length);
  words.set(old);
  return words;
}
