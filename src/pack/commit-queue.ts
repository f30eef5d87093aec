/** A priority queue of commits, the youngest first; of one age, the lower number first, so walks are repeatable. */

export class CommitQueue {
  readonly #dates: number[] = [];
  readonly #numbers: number[] = [];

  get size(): number {
    return this.#numbers.length;
  }

  /** The date of the youngest commit; only where there is one. */
  get topDate(): number {
    return this.#dates[0];
  }

  push(number: number, date: number): void {
    let at = this.#numbers.length;
    this.#numbers.push(number);
    this.#dates.push(date);
    while (at > 0) {
      const up = (at - 1) >> 1;
      if (!this.#before(at, up)) break;
      this.#swap(at, up);
      at = up;
    }
  }

  /** Takes the youngest commit. */
  pop(): number {
    const top = this.#numbers[0];
    const number = this.#numbers.pop()!;
    const date = this.#dates.pop()!;
    if (this.#numbers.length > 0) {
      this.#numbers[0] = number;
      this.#dates[0] = date;
      this.#sink();
    }
    return top;
  }

  #sink(): void {
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      if (left >= this.#numbers.length) return;
      const right = left + 1;
      const child = right < this.#numbers.length && this.#before(right, left) ? right : left;
      if (!this.#before(child, at)) return;
      this.#swap(child, at);
      at = child;
    }
  }

  #before(a: number, b: number): boolean {
    const difference = this.#dates[a] - this.#dates[b];
    return difference !== 0 ? difference > 0 : this.#numbers[a] < this.#numbers[b];
  }

  #swap(a: number, b: number): void {
    [this.#numbers[a], this.#numbers[b]] = [this.#numbers[b], this.#numbers[a]];
    [this.#dates[a], this.#dates[b]] = [this.#dates[b], this.#dates[a]];
  }
}
