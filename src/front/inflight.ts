/** Bytes that workers have handed over and clients have not taken yet, over all streams. */
export class InflightBytes {
  #bytes = 0;
  #high = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** The most there ever was. */
  get high(): number {
    return this.#high;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#high) this.#high = this.#bytes;
  }

  remove(bytes: number): void {
    this.#bytes -= bytes;
  }
}
