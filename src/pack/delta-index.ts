/** The blocks of a delta's base by their content, to find in it what a target holds. */

/** Bytes of a block: the shortest that a target may have in common with its base to be found. */
export const BLOCK = 16;

/** Spreads a byte over 32 bits; odd, so that nothing is lost when it is multiplied again and again. */
const FACTOR = 0x2c9277b5;
/** Spreads the sum over its high bits, which choose a place in the table. */
const SPREAD = 0x9e3779b1;
const LEAST_BITS = 6;

/** What a byte that leaves the block takes out of the hash: itself times `FACTOR` to the 16th. */
const LEAVING = leaving();

/** Its powers from the 1st to the 7th, and the 8th: products that need not wait for one another. */
const [F1, F2, F3, F4, F5, F6, F7, F8] = [1, 2, 3, 4, 5, 6, 7, 8].map(power);

/** The hash of the block at `at`, 32 bits. */
export function hashBlock(data: Uint8Array, at: number): number {
  return (Math.imul(hashHalf(data, at), F8) + hashHalf(data, at + 8)) | 0;
}

function hashHalf(data: Uint8Array, at: number): number {
  const high =
    Math.imul(data[at], F7) +
    Math.imul(data[at + 1], F6) +
    Math.imul(data[at + 2], F5) +
    Math.imul(data[at + 3], F4);
  const low =
    Math.imul(data[at + 4], F3) + Math.imul(data[at + 5], F2) + Math.imul(data[at + 6], F1) + data[at + 7];
  return (high + low) | 0;
}

/** The hash of the block that starts a byte further on. */
export function rollBlock(hash: number, leaves: number, enters: number): number {
  return (Math.imul(hash, FACTOR) - LEAVING[leaves] + enters) | 0;
}

/**
 * A table with chains, in arrays that are used again: nothing is allocated once they have grown to the largest base.
 * Blocks lie side by side, so a common run of 31 bytes is found wherever it starts. Of neighbours with the same
 * content only the first is held.
 */
export class DeltaIndex {
  #heads = new Int32Array(1 << LEAST_BITS);
  #nexts = new Int32Array(64);
  #hashes = new Int32Array(64);
  #from = 0;
  #shift = 32 - LEAST_BITS;

  /** Takes up the whole blocks between `from` and `to` of a base, which must not change meanwhile. */
  build(base: Uint8Array, from: number, to: number): void {
    const blocks = Math.floor((to - from) / BLOCK);
    this.#from = from;
    this.#resize(blocks);
    const heads = this.#heads;
    const nexts = this.#nexts;
    const hashes = this.#hashes;
    const shift = this.#shift;
    let lastSlot = -1;
    let lastHash = 0;
    // Backwards, so that chains begin with what comes first.
    for (let block = blocks - 1; block >= 0; block--) {
      const hash = hashBlock(base, from + block * BLOCK);
      const slot = Math.imul(hash, SPREAD) >>> shift;
      const isRepeated = slot === lastSlot && hash === lastHash;
      nexts[block] = isRepeated ? nexts[block + 1] : heads[slot];
      heads[slot] = block + 1;
      hashes[block] = hash;
      lastSlot = slot;
      lastHash = hash;
    }
  }

  /** The first block that may have this hash: give it to {@link place} and {@link next}. 0: none. */
  first(hash: number): number {
    return this.#heads[Math.imul(hash, SPREAD) >>> this.#shift];
  }

  /** Whether a block has exactly this hash. */
  has(block: number, hash: number): boolean {
    return this.#hashes[block - 1] === hash;
  }

  next(block: number): number {
    return this.#nexts[block - 1];
  }

  /** Where a block starts in the base. */
  place(block: number): number {
    return this.#from + (block - 1) * BLOCK;
  }

  /** At most every second place of the table is taken. */
  #resize(blocks: number): void {
    let bits = LEAST_BITS;
    while (1 << bits < blocks * 2) bits++;
    this.#shift = 32 - bits;
    if (this.#heads.length < 1 << bits) this.#heads = new Int32Array(1 << bits);
    else this.#heads.fill(0, 0, 1 << bits);
    if (this.#nexts.length < blocks) {
      this.#nexts = new Int32Array(1 << (bits - 1));
      this.#hashes = new Int32Array(1 << (bits - 1));
    }
  }
}

function leaving(): Int32Array {
  const last = power(BLOCK);
  return Int32Array.from({ length: 256 }, (_, byte) => Math.imul(byte, last));
}

function power(exponent: number): number {
  let product = 1;
  for (let i = 0; i < exponent; i++) product = Math.imul(product, FACTOR);
  return product;
}
