/** Objects that were rebuilt from deltas lately: the bases of the next ones. One for a thread. */
import type { StoredObject } from './object-format.ts';
import type { PackFile } from './pack-file.ts';

/** Objects above this share of the budget are not kept: one of them would push all others out. */
const LARGEST_SHARE = 1 / 8;

export class BaseCache {
  readonly #budget: number;
  readonly #objects = new Map<number, StoredObject>();
  #bytes = 0;

  /** @param budget bytes of object data held at most */
  constructor(budget: number) {
    this.#budget = budget;
  }

  get(pack: PackFile, rank: number): StoredObject | undefined {
    const key = keyOf(pack, rank);
    const object = this.#objects.get(key);
    if (object) {
      this.#objects.delete(key);
      this.#objects.set(key, object);
    }
    return object;
  }

  /** Keeps an object; its data must not be changed afterwards. */
  set(pack: PackFile, rank: number, object: StoredObject): void {
    const key = keyOf(pack, rank);
    if (object.data.length > this.#budget * LARGEST_SHARE || this.#objects.has(key)) return;
    this.#objects.set(key, object);
    this.#bytes += object.data.length;
    for (const [oldest, { data }] of this.#objects) {
      if (this.#bytes <= this.#budget) break;
      this.#objects.delete(oldest);
      this.#bytes -= data.length;
    }
  }
}

function keyOf(pack: PackFile, rank: number): number {
  return pack.serial * 2 ** 32 + rank;
}
