/** Numbers of the objects looked up lately: a tree names mostly the objects that the tree before it named. */
import type { ObjectView } from '../repository/object-view.ts';

/** Slots for repositories of any size; three bytes of an id choose one. */
const MOST_SLOTS = 2 ** 18;
const LEAST_SLOTS = 2 ** 10;
const EMPTY = 0xffffffff;

/** A look-up in an index touches memory all over it; one here, a single place. */
export class NumberCache {
  readonly #view: ObjectView;
  readonly #hash: number;
  readonly #ids: Uint8Array;
  readonly #numbers: Uint32Array;
  readonly #mask: number;

  constructor(view: ObjectView) {
    this.#view = view;
    this.#hash = view.format.bytes;
    let slots = LEAST_SLOTS;
    while (slots < view.packedEnd && slots < MOST_SLOTS) slots *= 2;
    this.#mask = slots - 1;
    this.#ids = new Uint8Array(slots * this.#hash);
    this.#numbers = new Uint32Array(slots).fill(EMPTY);
  }

  /** {@link ObjectView.find} */
  find(bytes: Uint8Array, at: number): number {
    const slot = (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16)) & this.#mask;
    if (this.#numbers[slot] !== EMPTY && this.#holds(slot, bytes, at)) return this.#numbers[slot];
    const number = this.#view.find(bytes, at);
    if (number >= 0) {
      this.#numbers[slot] = number;
      const to = slot * this.#hash;
      for (let i = 0; i < this.#hash; i++) this.#ids[to + i] = bytes[at + i];
    }
    return number;
  }

  #holds(slot: number, bytes: Uint8Array, at: number): boolean {
    const ids = this.#ids;
    const from = slot * this.#hash;
    for (let i = this.#hash - 1; i >= 0; i--) if (ids[from + i] !== bytes[at + i]) return false;
    return true;
  }
}
