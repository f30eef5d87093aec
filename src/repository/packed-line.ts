/** One line of `packed-refs` after the other, without an object for each. */

import { refNameEnd } from '../ref-name.ts';
import type { PackedRefs } from './packed-refs.ts';
import type { LineParts, StoredRef } from './stored-ref.ts';

const LF = 10;
const CARET = 94;
const TAGS = Buffer.from('refs/tags/');

/** The value of each lower-case hex digit; 255 for what is none. */
const DIGITS = new Uint8Array(256).fill(255);
for (let digit = 0; digit < 16; digit++) DIGITS[digit.toString(16).charCodeAt(0)] = digit;

/** Valid until the next {@link read}. Positions are bytes into {@link data}. */
export class PackedLine implements StoredRef {
  readonly data: Buffer;
  readonly #refs: PackedRefs;
  /** The id in binary. */
  readonly oid: Uint8Array = new Uint8Array(32);
  /** Where the line begins, with the id in hex; a space and the name follow. */
  start = 0;
  nameStart = 0;
  nameEnd = 0;
  /** Whether the name is well formed; such a line alone is a ref. */
  named = false;
  /** Where the peeled value stands in hex, as long as the id; -1 where there is none. */
  peeled = -1;
  /** Whether -1 in {@link peeled} says that the ref is no tag. */
  peeledKnown = false;
  /** The next line that is not this one's peeled value. */
  next = 0;

  constructor(refs: PackedRefs) {
    this.#refs = refs;
    this.data = refs.data;
  }

  /** @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT` when the line is no ref's */
  read(start: number): void {
    const { data } = this;
    this.start = start;
    this.nameStart = this.#refs.nameAt(start);
    const length = this.nameStart - 1 - start;
    if (!decode(data, start, length, this.oid)) throw this.#refs.unexpected(start);
    this.nameEnd = refNameEnd(data, this.nameStart);
    this.named = this.nameEnd >= 0 && data[this.nameEnd] === LF;
    const end = this.named ? this.nameEnd : data.indexOf(LF, this.nameStart - 1);
    this.next = end + 1;
    this.peeled = -1;
    if (data[this.next] === CARET) {
      this.peeled = this.next + 1;
      const end = this.peeled + length;
      if (data[end] !== LF || !decode(data, this.peeled, length, SCRATCH))
        throw this.#refs.unexpected(this.next);
      this.next = end + 1;
    }
    this.peeledKnown = this.#refs.fullyPeeled || (this.#refs.tagsPeeled && this.#isTag());
  }

  name(): string {
    return this.data.toString('latin1', this.nameStart, this.nameEnd);
  }

  oidHex(): string {
    return this.data.toString('latin1', this.start, this.nameStart - 1);
  }

  peeledHex(): string | null | undefined {
    if (this.peeled >= 0) return this.data.toString('latin1', this.peeled, this.peeled + this.#hexLength);
    return this.peeledKnown ? null : undefined;
  }

  peeledOid(): Uint8Array {
    decode(this.data, this.peeled, this.#hexLength, SCRATCH);
    return SCRATCH;
  }

  put(line: LineParts): void {
    line.copy(this.data, this.start, this.nameEnd);
  }

  putPeeled(line: LineParts): void {
    line.copy(this.data, this.peeled, this.peeled + this.#hexLength);
  }

  get #hexLength(): number {
    return this.nameStart - 1 - this.start;
  }

  #isTag(): boolean {
    for (let i = 0; i < TAGS.length; i++) if (this.data[this.nameStart + i] !== TAGS[i]) return false;
    return true;
  }
}

/** Reads an id of `length` hex digits; false where there are others. */
function decode(data: Uint8Array, at: number, length: number, oid: Uint8Array): boolean {
  let seen = 0;
  for (let i = 0, from = at; from < at + length; i++, from += 2) {
    const high = DIGITS[data[from]];
    const low = DIGITS[data[from + 1]];
    seen |= high | low;
    oid[i] = (high << 4) | low;
  }
  return seen < 16;
}

const SCRATCH = new Uint8Array(32);
