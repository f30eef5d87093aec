/** Numbers of the objects looked up lately: a tree names mostly the objects that the tree before it named. */
import type { ObjectView } from '../repository/object-view.ts';

/** A small fetch looks up little, so the cache begins small. */
const LEAST_SLOTS = 2 ** 10;
/** No more than a processor's own cache holds: larger ones find little more, and that slower. */
const MOST_SLOTS = 2 ** 15;
const EMPTY = 0xffffffff;

/** A look-up in an index touches memory all over it; one here, a single place. */
export class NumberCache {
  readonly #view: ObjectView;
  /** Four-byte words of an id; a slot is an id and its number. */
  readonly #words: number;
  #slots = new Uint32Array(0);
  #mask = 0;
  /** Look-ups that found nothing here since the cache has its size. */
  #misses = 0;

  constructor(view: ObjectView) {
    this.#view = view;
    this.#words = view.format.bytes / 4;
    this.#resize(LEAST_SLOTS);
  }

  /** {@link ObjectView.find} */
  find(bytes: Uint8Array, at: number): number {
    const slots = this.#slots;
    const words = this.#words;
    const slot = (wordAt(bytes, at) & this.#mask) * (words + 1);
    let same = 0;
    while (same < words && slots[slot + same] === wordAt(bytes, at + same * 4)) same++;
    if (same === words && slots[slot + words] !== EMPTY) return slots[slot + words];
    const number = this.#view.find(bytes, at);
    if (++this.#misses > this.#mask && this.#mask < MOST_SLOTS - 1) {
      this.#resize((this.#mask + 1) * 4);
    } else if (number >= 0) {
      for (let i = 0; i < words; i++) slots[slot + i] = wordAt(bytes, at + i * 4);
      slots[slot + words] = number;
    }
    return number;
  }

  /** Begins anew with more slots. */
  #resize(count: number): void {
    this.#slots = new Uint32Array(count * (this.#words + 1)).fill(EMPTY);
    this.#mask = count - 1;
    this.#misses = 0;
  }
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}
