/** Packed objects that wait, the one with the least number first: one bit an object. */
export class NumberQueue {
  #words: Uint32Array;
  #size = 0;
  /** No number in the set stands in a word before this one. */
  #first = 0;

  /** @param end numbers are expected to be below; the set grows when one is not */
  constructor(end: number) {
    this.#words = new Uint32Array((end + 31) >>> 5);
  }

  get size(): number {
    return this.#size;
  }

  /** The least number; infinite where there is none. */
  get least(): number {
    if (this.#size === 0) return Number.POSITIVE_INFINITY;
    while (this.#words[this.#first] === 0) this.#first++;
    const word = this.#words[this.#first];
    return this.#first * 32 + 31 - Math.clz32(word & -word);
  }

  has(number: number): boolean {
    return ((this.#words[number >>> 5] >>> (number & 31)) & 1) === 1;
  }

  add(number: number): void {
    const at = number >>> 5;
    if (at >= this.#words.length) {
      const grown = new Uint32Array(Math.max(at + 1, this.#words.length * 2));
      grown.set(this.#words);
      this.#words = grown;
    }
    const before = this.#words[at];
    this.#words[at] = before | (1 << (number & 31));
    if (this.#words[at] === before) return;
    if (this.#size++ === 0 || at < this.#first) this.#first = at;
  }

  /** Takes the least numbers out of the set, `limit` at most; returns them in ascending order. */
  take(limit: number): Uint32Array<ArrayBuffer> {
    const taken = new Uint32Array(Math.min(limit, this.#size));
    let count = 0;
    for (; count < taken.length; this.#first++) {
      let word = this.#words[this.#first];
      while (word !== 0 && count < taken.length) {
        const bit = 31 - Math.clz32(word & -word);
        taken[count++] = this.#first * 32 + bit;
        word &= word - 1;
      }
      this.#words[this.#first] = word;
      if (word !== 0) break;
    }
    this.#size -= count;
    return taken;
  }
}
