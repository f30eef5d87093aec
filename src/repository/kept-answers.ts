/** Answers that are kept as bytes while nothing that they were made from has changed on disk. */
import type { Stamps } from './stamps.ts';

export interface KeptAnswer {
  /** Bytes that are not to be changed: lines of pkt-lines for a list of refs. */
  readonly pieces: readonly Uint8Array[];
  /** Refs that it was made from. */
  readonly refs: number;
  /** Of everything that was read for it, but for objects in packs. */
  readonly stamps: Stamps;
  /** Names of the packs that were there. */
  readonly packs: string;
}

export class KeptAnswers {
  /** The bytes that one answer may have to be kept. */
  readonly most: number;
  readonly #budget: number;
  /** The least recently used first. */
  readonly #answers = new Map<string, { answer: KeptAnswer; memory: number }>();
  #memory = 0;

  /** @param budget bytes for all of them */
  constructor(budget: number) {
    this.#budget = budget;
    this.most = budget / 2;
  }

  /** Bytes held. */
  get memory(): number {
    return this.#memory;
  }

  /** What is kept under a key; whether it still holds is for the caller to find out. */
  get(key: string): KeptAnswer | undefined {
    const found = this.#answers.get(key);
    if (!found) return undefined;
    this.#answers.delete(key);
    this.#answers.set(key, found);
    return found.answer;
  }

  keep(key: string, answer: KeptAnswer): void {
    this.drop(key);
    const bytes = answer.pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
    const memory = bytes + answer.stamps.memory + key.length + answer.packs.length;
    if (memory > this.most) return;
    this.#answers.set(key, { answer, memory });
    this.#memory += memory;
    for (const oldest of this.#answers.keys()) {
      if (this.#memory <= this.#budget) return;
      this.drop(oldest);
    }
  }

  drop(key: string): void {
    this.#memory -= this.#answers.get(key)?.memory ?? 0;
    this.#answers.delete(key);
  }

  clear(): void {
    this.#answers.clear();
    this.#memory = 0;
  }
}
