/** A tree in memory that is used again and again: its bytes, and where its entries start. */
import { applyDelta, checkDeltaHeader } from '../repository/apply-delta.ts';
import { endOfTreeEntry } from '../repository/parse-object.ts';
import type { NumberList } from './number-list.ts';

export class TreeContent {
  /** The bytes. */
  data: Buffer = Buffer.alloc(0);
  /** How many entries it has. */
  count = 0;
  /** Where each of them starts, and behind the last where it ends. */
  starts = new Uint32Array(64);
  /** Whether it holds a tree; if not, nothing can be derived from it. */
  isUsable = false;
  /** Whether all of its entries are marked. */
  isWalked = false;
  readonly #hash: number;
  #memory = Buffer.alloc(0);

  /** @param hash bytes of an object id */
  constructor(hash: number) {
    this.#hash = hash;
  }

  /**
   * Takes over a whole tree.
   * @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT` when the bytes are no tree
   */
  set(data: Uint8Array): void {
    this.#reserve(data.length);
    this.data.set(data);
    let at = 0;
    while (at < data.length) at = this.#parse(at);
    this.starts[this.count] = at;
    this.isUsable = true;
  }

  /**
   * Becomes what a delta makes of another tree.
   * @param fresh gets the entries (counted from 0) that were not copied whole from entries of `base`
   * @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT` when they do not fit one another, or give no tree
   */
  derive(base: TreeContent, delta: Uint8Array, fresh: NumberList): void {
    const { start, resultSize } = checkDeltaHeader(delta, base.data.length);
    this.#reserve(resultSize);
    applyDelta(base.data, delta, this.data);
    let entry = 0; // where the next entry starts
    let to = 0; // where the result of the next operation starts
    for (let at = start; at < delta.length; ) {
      const op = delta[at++];
      if (op < 128) {
        to += op;
        at += op;
        continue;
      }
      let offset = 0;
      let size = 0;
      if (op & 1) offset = delta[at++];
      if (op & 2) offset |= delta[at++] << 8;
      if (op & 4) offset |= delta[at++] << 16;
      if (op & 8) offset += delta[at++] * 2 ** 24;
      if (op & 16) size = delta[at++];
      if (op & 32) size |= delta[at++] << 8;
      if (op & 64) size |= delta[at++] << 16;
      if (size === 0) size = 0x10000;
      while (entry < to + size) {
        const from = entry < to ? -1 : base.#entryAt(offset + entry - to);
        if (from >= 0) {
          const until = base.#lastStart(offset + size);
          this.#copyStarts(base, from, until, to - offset);
          if (until > from) entry = base.starts[until] + to - offset;
          break; // an entry that the operation does not hold whole is left for what follows
        }
        fresh.push(this.count);
        entry = this.#parse(entry);
      }
      to += size;
    }
    while (entry < to) {
      fresh.push(this.count);
      entry = this.#parse(entry);
    }
    this.starts[this.count] = entry;
    this.isUsable = true;
  }

  #reserve(size: number): void {
    this.count = 0;
    this.isUsable = false;
    this.isWalked = false;
    if (this.#memory.length < size) this.#memory = Buffer.allocUnsafeSlow(size + (size >>> 1) + 256);
    this.data = this.#memory.subarray(0, size);
  }

  #reserveStarts(count: number): void {
    if (count <= this.starts.length) return;
    const starts = new Uint32Array(count * 2);
    starts.set(this.starts);
    this.starts = starts;
  }

  /** Adds the entry at `at`; returns where it ends. */
  #parse(at: number): number {
    const end = endOfTreeEntry(this.data, at, this.#hash);
    this.#reserveStarts(this.count + 2);
    this.starts[this.count++] = at;
    return end;
  }

  #copyStarts(base: TreeContent, from: number, until: number, shift: number): void {
    this.#reserveStarts(this.count + until - from + 2);
    const into = this.starts;
    const starts = base.starts;
    let count = this.count;
    for (let i = from; i < until; i++) into[count++] = starts[i] + shift;
    this.count = count;
  }

  /** The entry that starts at `at`, or -1. */
  #entryAt(at: number): number {
    const entry = this.#lastStart(at);
    return this.starts[entry] === at && entry < this.count ? entry : -1;
  }

  /** The last entry (or the end) that starts at `at` or before. */
  #lastStart(at: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.starts[middle] <= at) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
