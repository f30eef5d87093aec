/** Bits for every object of a view: one byte an object. */
import { FIRST_LOOSE, type ObjectView } from '../repository/object-view.ts';

/** The walk has met the object on the wanted side. */
export const WANTED = 1;
/** The client has the object. */
export const EXCLUDED = 2;
/** A commit that waits in the walk's queue. */
export const QUEUED = 4;

export class Marks {
  readonly #view: ObjectView;
  #packed: Uint8Array;
  #loose = new Uint8Array(256);

  constructor(view: ObjectView) {
    this.#view = view;
    this.#packed = new Uint8Array(view.packedEnd);
  }

  get(number: number): number {
    return number < FIRST_LOOSE ? (this.#packed[number] ?? 0) : (this.#loose[number - FIRST_LOOSE] ?? 0);
  }

  has(number: number, bits: number): boolean {
    return (this.get(number) & bits) !== 0;
  }

  /** Sets bits; returns what was set before. */
  add(number: number, bits: number): number {
    const before = this.get(number);
    this.#set(number, before | bits);
    return before;
  }

  remove(number: number, bits: number): void {
    this.#set(number, this.get(number) & ~bits);
  }

  /** The numbers of the objects whose bits under `mask` are exactly `bits`, ascending. */
  select(mask: number, bits: number): Uint32Array {
    const parts = [this.#packed, this.#loose];
    let count = 0;
    for (const part of parts) for (let i = 0; i < part.length; i++) if ((part[i] & mask) === bits) count++;
    const numbers = new Uint32Array(count);
    let to = 0;
    for (const part of parts) {
      const base = part === this.#packed ? 0 : FIRST_LOOSE;
      for (let i = 0; i < part.length; i++) if ((part[i] & mask) === bits) numbers[to++] = base + i;
    }
    return numbers;
  }

  #set(number: number, value: number): void {
    if (number < FIRST_LOOSE) {
      if (number >= this.#packed.length) this.#packed = grown(this.#packed, this.#view.packedEnd);
      this.#packed[number] = value;
      return;
    }
    const index = number - FIRST_LOOSE;
    if (index >= this.#loose.length)
      this.#loose = grown(this.#loose, Math.max(index + 1, this.#loose.length * 2));
    this.#loose[index] = value;
  }
}

function grown(old: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  bytes.set(old);
  return bytes;
}
