/** Numbers and bytes that look random and are the same in every run. */
import crypto from 'node:crypto';

const POOL_BYTES = 64 * 1024;

/** A generator with a seed: AES-128 in counter mode over zeros, about a gigabyte a second. */
export class SeededRandom {
  readonly #cipher: crypto.Cipheriv;
  #pool: Buffer = Buffer.alloc(0);
  #at = 0;

  constructor(seed: string) {
    const key = crypto.createHash('sha256').update(seed).digest().subarray(0, 16);
    this.#cipher = crypto.createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
  }

  /** Bytes that no compressor makes shorter. */
  bytes(length: number): Buffer {
    return this.#cipher.update(Buffer.alloc(length));
  }

  /** A whole number from 0 to below `limit`, which is at most 2^32. */
  below(limit: number): number {
    return Math.floor(this.fraction() * limit);
  }

  /** A number from 0 to below 1. */
  fraction(): number {
    if (this.#at === this.#pool.length) {
      this.#pool = this.bytes(POOL_BYTES);
      this.#at = 0;
    }
    this.#at += 4;
    return this.#pool.readUInt32LE(this.#at - 4) / 2 ** 32;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)];
  }
}
