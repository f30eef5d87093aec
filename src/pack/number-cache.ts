/** Numbers of the objects looked up lately: a tree names mostly the objects that the tree before it named. */
import type { ObjectView } from '../repository/object-view.ts';

const SLOTS = 65536;

/** A look-up in an index touches memory all over it; one here, a single place. */
export class NumberCache {
  readonly #view: ObjectView;
  readonly #hash: number;
  readonly #ids: Uint8Array;
  readonly #numbers = new Float64Array(SLOTS).fill(-1);

  constructor(view: ObjectView) {
    this.#view = view;
    this.#hash = view.format.bytes;
    this.#ids = new Uint8Array(SLOTS * this.#hash);
  }

  /** {@link ObjectView.find} */
  find(bytes: Uint8Array, at: number): number {
    const slot = bytes[at] | (bytes[at + 1] << 8);
    if (this.#numbers[slot] >= 0 && this.#holds(slot, bytes, at)) return this.#numbers[slot];
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
    for (let i = 2; i < this.#hash; i++) if (ids[from + i] !== bytes[at + i]) return false;
    return true;
  }
}
