/** The commit-graph of a repository: parents, root tree and date of every commit that it holds, without its object. */
import type { CommitGraphLayer } from './commit-graph-layer.ts';

/** Corrected dates are earlier than this. */
export const END_OF_DATES = 2 ** 45;

/** Commits have positions from 0 to {@link count}, over all layers. */
export class CommitGraph {
  readonly count: number;
  /** Whether {@link generation} may be asked. */
  readonly hasGenerations: boolean;
  readonly #layers: readonly CommitGraphLayer[];
  readonly #top: CommitGraphLayer;

  /**
   * @param layers the first one first; at least one
   * @param corrected whether to use generation numbers where they are
   */
  constructor(layers: readonly CommitGraphLayer[], corrected: boolean) {
    this.#layers = layers;
    this.#top = layers[layers.length - 1];
    this.count = this.#top.base + this.#top.count;
    this.hasGenerations = corrected && this.#top.hasGenerations;
  }

  /** The position of the commit whose id stands in `bytes` at `at`, or -1. */
  find(bytes: Uint8Array, at = 0): number {
    for (let k = this.#layers.length - 1; k >= 0; k--) {
      const position = this.#layers[k].find(bytes, at);
      if (position >= 0) return position;
    }
    return -1;
  }

  /** The memory in which {@link idAt} and {@link treeAt} say where ids stand; not to be written to. */
  data(position: number): Buffer {
    return this.#layer(position).data;
  }

  idAt(position: number): number {
    return this.#layer(position).idAt(position);
  }

  treeAt(position: number): number {
    return this.#layer(position).treeAt(position);
  }

  /** Committer time, seconds since 1970; 0 for what was before. */
  date(position: number): number {
    return this.#layer(position).date(position);
  }

  /** The corrected date: the commit's own, or greater, and greater than that of each of its ancestors. */
  generation(position: number): number {
    return this.#layer(position).generation(position);
  }

  /** Appends the positions of the parents to `into`. */
  parents(position: number, into: number[]): void {
    this.#layer(position).parents(position, into);
  }

  #layer(position: number): CommitGraphLayer {
    if (position >= this.#top.base) return this.#top;
    let k = this.#layers.length - 2;
    while (this.#layers[k].base > position) k--;
    return this.#layers[k];
  }
}
