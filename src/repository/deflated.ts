/** Whole zlib streams, one after the other in the same memory. */
import { deflateInto } from './deflate-handle.ts';

export class Deflated {
  #output = Buffer.allocUnsafeSlow(4096);

  /**
   * The stream of `data`, valid until the next call.
   * @param level 0 to 9, or -1 for zlib's own
   */
  make(data: Uint8Array, level: number): Uint8Array {
    const most = bound(data.length);
    if (this.#output.length < most) this.#output = Buffer.allocUnsafeSlow(most * 2);
    const length = deflateInto(data, data.length, this.#output, 0, level);
    if (length < 0) throw new Error('a zlib stream is longer than it can be');
    return this.#output.subarray(0, length);
  }
}

/** More than zlib ever makes of so many bytes: its `compressBound` for any setting, and one. */
function bound(length: number): number {
  return length + Math.ceil(length / 8) + Math.ceil(length / 64) + 64;
}
