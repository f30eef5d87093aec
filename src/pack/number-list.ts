/** A list of object numbers that grows: four bytes each, where an array of JavaScript takes eight and leaves garbage. */
export class NumberList {
  #items = new Uint32Array(256);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get(index: number): number {
    return this.#items[index];
  }

  clear(): void {
    this.#length = 0;
  }

  /** The numbers, in memory of their own. */
  toArray(): Uint32Array<ArrayBuffer> {
    return this.#items.slice(0, this.#length);
  }

  push(number: number): void {
    if (this.#length === this.#items.length) {
      const grown = new Uint32Array(this.#length * 2);
      grown.set(this.#items);
      this.#items = grown;
    }
    this.#items[this.#length++] = number;
  }
}
