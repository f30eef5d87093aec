/** The inputs of a run, one after the other: the corpus as it is, then mutations of it. */
import { LONGEST_INPUT, mutate } from './mutate.ts';
import { Random } from './random.ts';
import type { Target } from './target.ts';

/** Inputs that were kept for what they reach; the oldest leave. */
const MOST_KEPT = 2000;

export class Inputs {
  readonly #target: Target;
  readonly #random: Random;
  readonly #seeds: readonly Buffer[];
  readonly #kept: Buffer[] = [];
  readonly #tokens: readonly Buffer[];
  #given = 0;

  constructor(target: Target, seed: number) {
    this.#target = target;
    this.#random = new Random(seed);
    this.#seeds = target.seeds();
    this.#tokens = (target.tokens ?? []).map((token) =>
      Buffer.isBuffer(token) ? token : Buffer.from(token, 'latin1'),
    );
  }

  /** How many inputs were kept. */
  get kept(): number {
    return this.#kept.length;
  }

  /** Makes an input one of those that others are made from. */
  keep(input: Buffer): void {
    this.#kept.push(input);
    if (this.#kept.length > MOST_KEPT) this.#kept.shift();
  }

  next(): Buffer {
    if (this.#given < this.#seeds.length) return this.#seeds[this.#given++];
    const random = this.#random;
    const all = this.#kept.length > 0 && random.oneIn(2) ? this.#kept : this.#seeds;
    const from = random.pick(all);
    let input =
      this.#target.mutate && random.oneIn(2)
        ? this.#target.mutate(from, random)
        : mutate(from, random, all, this.#tokens);
    if (this.#target.repair && !random.oneIn(10)) input = this.#target.repair(input);
    return input.subarray(0, LONGEST_INPUT);
  }
}
