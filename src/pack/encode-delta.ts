/** Making deltas: what turns one object into another, in as few bytes as a quick look finds. */
import { commonPrefix, commonSuffix } from './common-bytes.ts';
import { BLOCK, DeltaIndex, hashBlock, rollBlock } from './delta-index.ts';
import { DeltaWriter } from './delta-writer.ts';

/**
 * Larger objects are neither base nor target: base, target and tables take some 3 bytes of memory for each byte, and
 * what is that large changes seldom and is mostly packed data, which has nothing in common with its last version.
 */
export const LARGEST_DELTIFIED = 4 * 1024 * 1024;

/** Blocks of one chain that are looked at, and how many of them are compared byte by byte. */
const MOST_LOOKED_AT = 64;
const MOST_COMPARED = 16;
/** A match so long is taken without looking for a longer one. */
const GOOD_MATCH = 4096;
/** How far a match may begin before the block that was found. The limit tells only after that whether a delta fits. */
const MOST_BACKWARDS = 256;
/** A copy from the start takes this many bytes; shorter ones are inserted. */
const LEAST_COPY = 8;
/** So many bytes that were replaced by as many others are stepped over. */
const LONGEST_STEP = 64;
/** Most changes are small: how far behind one base and target are searched for where they go on alike, in bytes. */
const NEAR = 1024;
/** Found there, a match must have this length: that of a shorter one may be chance. */
const LEAST_RESUMED = 32;
/** It must also have this share of what was passed over on both sides. */
const SHARE_OF_PASSED = 1 / 4;
/** How often that is done at least; for each KiB of target, once more. */
const LEAST_CATCHING_UP = 8;
/** How far around the part that differs the base is indexed, in lengths of the target's part. */
const REACH = 4;

/**
 * Makes deltas one at a time. What base and target have in common at both ends is cut off first: most changes are in
 * one place, and only what lies between is indexed and searched, so that the time goes with the size of the change.
 * For any content it goes at worst with the sizes of both: chains are followed so far and no further.
 */
export class DeltaEncoder {
  readonly #index = new DeltaIndex();
  readonly #writer = new DeltaWriter();
  /** Up to here the target is written; and the place behind the last copy in the base. */
  #at = 0;
  #place = 0;
  /** Bytes and blocks indexed and compared since it was made: what could grow faster than the content. */
  compared = 0;

  /** The last delta made, up to the length returned. */
  get delta(): Buffer {
    return this.#writer.bytes;
  }

  /**
   * Makes the delta that turns `base` into `target`; the same content gives the same delta, whatever the limit.
   * @param limit the longest delta that is of use
   * @returns its length in {@link delta}, or -1 when it would be longer than `limit`
   */
  encode(base: Buffer, target: Buffer, limit: number): number {
    const writer = this.#writer;
    writer.begin(base.length, target.length, limit);
    const shorter = Math.min(base.length, target.length);
    let prefix = this.#common(base, 0, target, 0, shorter);
    if (prefix < LEAST_COPY) prefix = 0;
    let suffix = commonSuffix(base, target, shorter - prefix);
    this.compared += suffix;
    if (suffix < LEAST_COPY) suffix = 0;
    if (prefix > 0) writer.copy(0, prefix);
    this.#encodeMiddle(base, target, prefix, target.length - suffix, base.length - suffix);
    if (suffix > 0) writer.copy(base.length - suffix, suffix);
    return writer.finish();
  }

  /** The target from `from` to `to`, where the base had what lies from `from` to `baseTo`. */
  #encodeMiddle(base: Buffer, target: Buffer, from: number, to: number, baseTo: number): void {
    this.#at = from;
    this.#place = from;
    for (let left = LEAST_CATCHING_UP + (to - from) / NEAR; left > 0 && this.#writer.fits; left--) {
      while (this.#writer.fits && this.#step(base, target, to, baseTo));
      if (to - this.#at < BLOCK || !this.#catchUp(base, target, to, baseTo)) break;
    }
    const reach = (to - this.#at) * REACH;
    const start = Math.max(0, this.#place - reach);
    if (to - this.#at >= BLOCK && this.#writer.fits) {
      this.#buildIndex(base, start, Math.min(base.length, baseTo + reach));
      while (this.#match(base, target, this.#at, to, to, false));
    }
    this.#writer.insert(target, this.#at, to);
  }

  /** Goes on behind bytes that were replaced by as many, as ids in trees are; false where base and target differ otherwise. */
  #step(base: Buffer, target: Buffer, to: number, baseTo: number): boolean {
    const [place, at] = [this.#place, this.#at];
    const most = Math.min(to - at, baseTo - place);
    const end = Math.min(most, LONGEST_STEP + LEAST_RESUMED);
    let same = 0;
    let n = 0;
    while (n < end && same < LEAST_RESUMED) {
      same = base[place + n] === target[at + n] ? same + 1 : 0;
      n++;
    }
    this.compared += n;
    if (same < LEAST_RESUMED) return false;
    const from = n - same;
    const length = same + this.#common(base, place + n, target, at + n, most - n);
    this.#writer.insert(target, at, at + from);
    this.#writer.copy(place + from, length);
    this.#at = at + from + length;
    this.#place = place + from + length;
    return true;
  }

  /** Finds where base and target go on alike, near the places where they ceased to. */
  #catchUp(base: Buffer, target: Buffer, to: number, baseTo: number): boolean {
    if (baseTo - this.#place < BLOCK) return false;
    this.#buildIndex(base, this.#place, Math.min(baseTo, this.#place + NEAR));
    return this.#match(base, target, this.#at, Math.min(to, this.#at + NEAR), to, true);
  }

  /**
   * Looks from `from` on for a block of the index, writes what it finds, and what comes before it as an insert.
   * @param end where blocks of the target end at most
   * @param to where a match may end at most
   * @param isNear whether the index is one of a near part only
   */
  #match(base: Buffer, target: Buffer, from: number, end: number, to: number, isNear: boolean): boolean {
    const index = this.#index;
    const last = end - BLOCK;
    // What is not found near by may still be found elsewhere.
    const hopeless = isNear ? end : from + this.#writer.room + MOST_BACKWARDS;
    if (from > last) return false;
    for (let at = from, hash = hashBlock(target, at); ; at++) {
      let block = index.first(hash);
      let looked = 0;
      while (block !== 0 && !index.has(block, hash)) {
        block = ++looked < MOST_LOOKED_AT ? index.next(block) : 0;
      }
      if (block !== 0 && this.#take(base, target, from, at, to, hash, block, isNear)) return true;
      if (at >= last || at > hopeless) return false;
      hash = rollBlock(hash, target[at], target[at + BLOCK]);
    }
  }

  /** Writes the longest match of those that begin with the blocks of a chain, if it is long enough. */
  #take(
    base: Buffer,
    target: Buffer,
    from: number,
    at: number,
    to: number,
    hash: number,
    first: number,
    isNear: boolean,
  ): boolean {
    const index = this.#index;
    let length = 0;
    let place = 0;
    let looked = 0;
    let compared = 0;
    for (let block = first; block !== 0 && looked < MOST_LOOKED_AT; block = index.next(block)) {
      looked++;
      if (!index.has(block, hash)) continue;
      const candidate = index.place(block);
      const most = Math.min(base.length - candidate, to - at);
      if (most <= length) continue;
      const common = this.#common(base, candidate, target, at, most);
      if (common > length) {
        length = common;
        place = candidate;
        if (length >= GOOD_MATCH) break;
      }
      if (++compared === MOST_COMPARED) break;
    }
    this.compared += looked;
    if (length < BLOCK) return false;
    let start = at;
    const earliest = Math.max(from, at - MOST_BACKWARDS);
    while (start > earliest && place > 0 && base[place - 1] === target[start - 1]) {
      start--;
      place--;
    }
    length += at - start;
    this.compared += at - start;
    if (isNear) {
      const passed = start - from + (place - this.#place);
      if (length < Math.max(LEAST_RESUMED, passed * SHARE_OF_PASSED)) return false;
    }
    this.#writer.insert(target, from, start);
    this.#writer.copy(place, length);
    this.#at = start + length;
    this.#place = place + length;
    return true;
  }

  #buildIndex(base: Buffer, from: number, to: number): void {
    this.#index.build(base, from, to);
    this.compared += to - from;
  }

  /** How many of at most `most` bytes are the same from both places on. */
  #common(base: Buffer, place: number, target: Buffer, at: number, most: number): number {
    const length = commonPrefix(base, place, target, at, most);
    this.compared += length;
    return length;
  }
}
