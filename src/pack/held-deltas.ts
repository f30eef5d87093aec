/** Stored deltas, read in the order of the pack and held until they are needed in another order. */
import type { EntryHeader, PackFile } from '../repository/pack-file.ts';
import { inflateInto } from '../repository/zlib-handle.ts';
import { NumberList } from './number-list.ts';

const LEAST_BYTES = 2 ** 16;
const MOST_BYTES = 2 ** 23;
/** A delta that is larger, inflated, is not held. */
const LARGEST = 2 ** 16;

export class HeldDeltas {
  #memory = Buffer.allocUnsafeSlow(LEAST_BYTES);
  #used = 0;
  /** Of the deltas by their place: where the stored bytes start, and the inflated size; 0 for what is not held. */
  readonly #starts = new NumberList();
  readonly #sizes = new NumberList();
  readonly #delta = Buffer.allocUnsafeSlow(LARGEST + 1);

  clear(): void {
    this.#used = 0;
    this.#starts.clear();
    this.#sizes.clear();
  }

  /** Holds the next delta, if there is room for it. The first has place 0. */
  push(pack: PackFile, rank: number, { data, size }: EntryHeader): void {
    const length = pack.end(rank) - data;
    const isHeld = size <= LARGEST && length <= LARGEST && this.#makeRoom(length);
    this.#starts.push(this.#used);
    this.#sizes.push(isHeld ? size : 0);
    if (!isHeld) return;
    pack.copy(data, length, this.#memory, this.#used);
    this.#used += length;
  }

  /** Leaves a place empty. */
  skip(): void {
    this.#starts.push(this.#used);
    this.#sizes.push(0);
  }

  /**
   * The delta at a place, inflated, or undefined where none is held; valid until the next is asked for.
   * @throws Error when it is damaged
   */
  read(place: number): Buffer | undefined {
    const size = this.#sizes.get(place);
    if (size === 0) return undefined;
    const end = place + 1 < this.#starts.length ? this.#starts.get(place + 1) : this.#used;
    inflateInto(this.#memory.subarray(this.#starts.get(place), end), this.#delta, 0, size);
    return this.#delta.subarray(0, size);
  }

  #makeRoom(length: number): boolean {
    const needed = this.#used + length;
    if (needed > MOST_BYTES) return false;
    if (needed > this.#memory.length) {
      const memory = Buffer.allocUnsafeSlow(Math.min(MOST_BYTES, Math.max(needed, this.#memory.length * 2)));
      this.#memory.copy(memory, 0, 0, this.#used);
      this.#memory = memory;
    }
    return true;
  }
}
