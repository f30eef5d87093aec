/** Writing deltas (protocol section 6.1) into memory that is used again: two sizes, then copies and inserts. */

/** What one copy operation can take of the base; packs of version 2 have no room for more. */
const LONGEST_COPY = 0x10000;
const LONGEST_INSERT = 127;
/** An operation byte, four bytes of offset, two of size. */
const COPY_BYTES = 7;
const SIZES_BYTES = 20;

/**
 * One delta at a time. Copies that follow one another in base and target become one. Once the delta is longer than its
 * limit, nothing more is written and {@link fits} is false.
 */
export class DeltaWriter {
  /** The delta, up to `length`; valid until the next {@link begin}. */
  bytes: Buffer = Buffer.allocUnsafeSlow(4096);
  length = 0;
  #limit = 0;
  /** The copy that may still grow. */
  #copyFrom = 0;
  #copySize = 0;

  /** @param limit bytes that the delta may have at most */
  begin(baseSize: number, targetSize: number, limit: number): void {
    this.#limit = limit;
    this.#copySize = 0;
    this.length = 0;
    this.#size(baseSize);
    this.#size(targetSize);
  }

  get fits(): boolean {
    return this.length <= this.#limit;
  }

  /** Bytes that inserts may still take. */
  get room(): number {
    return this.#limit - this.length;
  }

  copy(offset: number, size: number): void {
    if (this.#copySize > 0 && this.#copyFrom + this.#copySize === offset) {
      this.#copySize += size;
      return;
    }
    this.#putCopy();
    this.#copyFrom = offset;
    this.#copySize = size;
  }

  insert(data: Uint8Array, from: number, to: number): void {
    if (from === to) return;
    this.#putCopy();
    for (let at = from; at < to && this.fits; ) {
      const n = Math.min(LONGEST_INSERT, to - at);
      this.#reserve(n + 1);
      const { bytes } = this;
      let end = this.length;
      bytes[end++] = n;
      for (const stop = at + n; at < stop; at++) bytes[end++] = data[at];
      this.length = end;
    }
  }

  /** @returns the length of the delta, or -1 when it is longer than its limit */
  finish(): number {
    this.#putCopy();
    return this.fits ? this.length : -1;
  }

  #putCopy(): void {
    let from = this.#copyFrom;
    for (let left = this.#copySize; left > 0 && this.fits; ) {
      const n = Math.min(LONGEST_COPY, left);
      this.#putOneCopy(from, n);
      from += n;
      left -= n;
    }
    this.#copySize = 0;
  }

  /** Bytes of offset and size that are 0 are left out, and the whole size where it is 64 KiB. */
  #putOneCopy(offset: number, size: number): void {
    this.#reserve(COPY_BYTES);
    const { bytes } = this;
    const start = this.length;
    let end = start + 1;
    let op = 128;
    for (let i = 0, rest = offset; i < 4; i++, rest >>>= 8) {
      const byte = rest & 255;
      if (byte === 0) continue;
      bytes[end++] = byte;
      op |= 1 << i;
    }
    for (let i = 0, rest = size; i < 2; i++, rest >>>= 8) {
      const byte = rest & 255;
      if (byte === 0) continue;
      bytes[end++] = byte;
      op |= 16 << i;
    }
    bytes[start] = op;
    this.length = end;
  }

  #size(size: number): void {
    this.#reserve(SIZES_BYTES);
    let rest = size;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.bytes[this.length++] = 128 | (rest % 128);
    this.bytes[this.length++] = rest;
  }

  #reserve(n: number): void {
    if (this.length + n <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(this.bytes.length * 2 + n);
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}
