/** Sorted object ids behind a fanout table, as pack indexes, multi-pack-indexes and commit-graphs hold them. */
import type { Stretches } from '../stretches.ts';

const FANOUT = 256;
/** Bytes of a fanout table. */
export const FANOUT_BYTES = 4 * FANOUT;
const KEY_SPACE = 2 ** 32;
/** Ids that are compared in one stretch: some 0.5 ms. */
const PACE = 2 ** 13;

/** Where the parts of a table stand in its file. */
export interface OidTableLayout {
  readonly fanout: number;
  /** The first id. */
  readonly ids: number;
  /** From one id to the next, in bytes. */
  readonly stride: number;
  /** Bytes of an id. */
  readonly hash: number;
}

/** Look-ups take no memory. The table does not check that its ids are within the file: that is the owner's to do. */
export class OidTable {
  readonly count: number;
  readonly #data: Buffer;
  readonly #view: DataView;
  readonly #fanout = new Uint32Array(FANOUT + 1);
  readonly #ids: number;
  readonly #stride: number;
  readonly #hash: number;

  /** @param fail makes the error that is thrown where the fanout table falls */
  constructor(data: Buffer, layout: OidTableLayout, fail: (what: string) => Error) {
    this.#data = data;
    this.#view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    this.#ids = layout.ids;
    this.#stride = layout.stride;
    this.#hash = layout.hash;
    for (let i = 0; i < FANOUT; i++) {
      this.#fanout[i + 1] = this.#view.getUint32(layout.fanout + i * 4);
      if (this.#fanout[i + 1] < this.#fanout[i]) throw fail('its fanout table falls');
    }
    this.count = this.#fanout[FANOUT];
  }

  /** Where the id at a position stands in the file. */
  at(position: number): number {
    return this.#ids + position * this.#stride;
  }

  /** Positions of the ids that start with the byte `first`, as the fanout table has it: `from`, and less than `to`. */
  range(first: number): { from: number; to: number } {
    return { from: this.#fanout[first], to: this.#fanout[first + 1] };
  }

  /** Whether every id is larger than the one before it, and stands where the fanout table says. */
  *sorted(): Stretches<boolean> {
    for (let position = 0; position < this.count; position++) {
      if (position % PACE === PACE - 1) yield;
      const id = this.at(position);
      const first = this.#data[id];
      if (position < this.#fanout[first] || position >= this.#fanout[first + 1]) return false;
      if (position > this.#fanout[first] && this.#compareIds(id - this.#stride, id) >= 0) return false;
    }
    return true;
  }

  /**
   * The position of the id that stands in `bytes` at `at`, or -1. Ids are spread evenly, so interpolation on the four
   * bytes after the first lands near; then bisect.
   */
  find(bytes: Uint8Array, at: number): number {
    const first = bytes[at];
    let low = this.#fanout[first];
    let high = this.#fanout[first + 1];
    const key = ((bytes[at + 1] << 24) | (bytes[at + 2] << 16) | (bytes[at + 3] << 8) | bytes[at + 4]) >>> 0;
    let lowKey = 0;
    let highKey = KEY_SPACE;
    for (let probe = 0; low < high; probe++) {
      let middle = (low + high) >>> 1;
      if (probe < 3 && highKey > lowKey) {
        const guess = low + Math.floor(((key - lowKey) / (highKey - lowKey)) * (high - low));
        middle = Math.min(high - 1, Math.max(low, guess));
      }
      const id = this.#ids + middle * this.#stride;
      const word = this.#view.getUint32(id + 1);
      if (word < key) {
        low = middle + 1;
        lowKey = word;
      } else if (word > key) {
        high = middle;
        highKey = word;
      } else {
        const order = this.#compareTail(id, bytes, at);
        if (order === 0) return middle;
        if (order < 0) low = middle + 1;
        else high = middle;
      }
    }
    return -1;
  }

  #compareIds(a: number, b: number): number {
    const difference = this.#view.getUint32(a) - this.#view.getUint32(b);
    return difference || this.#data.compare(this.#data, b, b + this.#hash, a, a + this.#hash);
  }

  #compareTail(id: number, bytes: Uint8Array, at: number): number {
    // The fanout table vouches for the first byte only where the file is sound.
    if (this.#data[id] !== bytes[at]) return this.#data[id] - bytes[at];
    for (let i = 5; i < this.#hash; i++) {
      const difference = this.#data[id + i] - bytes[at + i];
      if (difference !== 0) return difference;
    }
    return 0;
  }
}
