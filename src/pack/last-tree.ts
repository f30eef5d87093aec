/** What a version of a directory has that the version before it had not. */
import { endOfMode, endOfTreeEntry } from '../repository/parse-object.ts';
import { commonPrefix } from './common-bytes.ts';

/**
 * One version of a directory after the other. Versions that follow one another differ in a few entries: what lies
 * between is compared as bytes, and never parsed again.
 */
export class LastTree {
  readonly #hash: number;
  #data = Buffer.alloc(0);
  #length = 0;
  /** Where the entries of the last version start; behind them, where it ends. */
  #starts: Uint32Array = new Uint32Array(1);
  #next: Uint32Array = new Uint32Array(1);

  /** @param hash bytes of an id */
  constructor(hash: number) {
    this.#hash = hash;
  }

  /**
   * Takes a version in the place of the last one; the first stands after an empty one.
   * @param onFresh called with start and end of each entry that did not stand in the last version as it is; where a
   *   file took a directory's place or the other way round, perhaps of some that did
   * @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT` when the bytes are no tree; the last version stays
   */
  follow(data: Buffer, onFresh: (at: number, end: number) => void): void {
    const last = this.#data;
    const limit = this.#length;
    const starts = this.#starts;
    const next = this.#nextStarts(data.length);
    let count = 0;
    let i = 0;
    for (let at = 0; at < data.length; ) {
      const other = starts[i];
      const shift = at - other;
      const common = commonPrefix(last, other, data, at, Math.min(limit - other, data.length - at));
      for (; starts[i] < limit && starts[i + 1] <= other + common; i++) next[count++] = starts[i] + shift;
      at = starts[i] + shift;
      if (at === data.length) break;
      const end = endOfTreeEntry(data, at, this.#hash);
      const order = starts[i] < limit ? compareNames(data, at, last, starts[i]) : -1;
      if (order >= 0) i++;
      if (order > 0) continue;
      onFresh(at, end);
      next[count++] = at;
      at = end;
    }
    next[count] = data.length;
    this.#next = starts;
    this.#starts = next;
    if (this.#data.length < data.length) this.#data = Buffer.allocUnsafeSlow(Math.ceil(data.length * 1.125));
    data.copy(this.#data);
    this.#length = data.length;
  }

  /** An entry is a mode, a blank, a name, a zero and an id: three bytes and the id at least. */
  #nextStarts(length: number): Uint32Array {
    const most = Math.floor(length / (this.#hash + 3)) + 1;
    if (this.#next.length < most) this.#next = new Uint32Array(Math.ceil(most * 1.125));
    return this.#next;
  }
}

/** The order of the names of two entries; where a file took a directory's place, any order will do. */
function compareNames(a: Buffer, at: number, b: Buffer, other: number): number {
  let i = endOfMode(a, at) + 1;
  let j = endOfMode(b, other) + 1;
  while (a[i] === b[j] && a[i] !== 0) {
    i++;
    j++;
  }
  return a[i] - b[j];
}
