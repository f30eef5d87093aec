/** Numbers of the objects looked up lately: a tree names mostly the objects that the tree before it named. */
import type { ObjectView } from '../repository/object-view.ts';

/** Three bytes of an id choose a slot. A small fetch looks up little, so the cache begins small. */
const LEAST_SLOTS = 2 ** 10;
const MOST_SLOTS = 2 ** 18;
const EMPTY = 0xffffffff;

/** A look-up in an index touches memory all over it; one here, a single place. */
export class NumberCache {
  readonly #view: ObjectView;
  readonly #hash: number;
  #ids = new Uint8Array(0);
  #numbers = new Uint32Array(0);
  #mask = 0;
  /** Look-ups that found nothing here since the cache has its size. */
  #misses = 0;

  constructor(view: ObjectView) {
    this.#view = view;
    this.#hash = view.format.bytes;
    this.#resize(LEAST_SLOTS);
  }

  /** {@link ObjectView.find} */
  find(bytes: Uint8Array, at: number): number {
    const slot = (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16)) & this.#mask;
    if (this.#numbers[slot] !== EMPTY && this.#holds(slot, bytes, at)) return this.#numbers[slot];
    const number = this.#view.find(bytes, at);
    if (++this.#misses > this.#numbers.length && this.#numbers.length < MOST_SLOTS) {
      this.#resize(this.#numbers.length * 4);
    } else if (number >= 0) {
      this.#numbers[slot] = number;
      const to = slot * this.#hash;
      for (let i = 0; i < this.#hash; i++) this.#ids[to + i] = bytes[at + i];
    }
    return number;
  }

  /** Begins anew with more slots. */
  #resize(slots: number): void {
    this.#ids = new Uint8Array(slots * this.#hash);
    this.#numbers = new Uint32Array(slots).fill(EMPTY);
    this.#mask = slots - 1;
    this.#misses = 0;
  }

  #holds(slot: number, bytes: Uint8Array, at: number): boolean {
    const ids = this.#ids;
    const from = slot * this.#hash;
    for (let i = this.#hash - 1; i >= 0; i--) if (ids[from + i] !== bytes[at + i]) return false;
    return true;
  }
}
