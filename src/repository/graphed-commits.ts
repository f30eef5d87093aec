/** The commits of a commit-graph by the numbers that a view gives them. */
import type { CommitGraph } from './commit-graph.ts';
import type { ObjectView } from './object-view.ts';

export class GraphedCommits {
  readonly graph: CommitGraph;
  readonly #view: ObjectView;
  /** By position: the number of the commit and one more; 0 where it has not been looked up. */
  readonly #numbers: Uint32Array;
  /** By number: the position of the commit and one more; 0 where it is not known. Loose commits are not kept. */
  readonly #positions: Uint32Array;

  constructor(graph: CommitGraph, view: ObjectView) {
    this.graph = graph;
    this.#view = view;
    this.#numbers = new Uint32Array(graph.count);
    this.#positions = new Uint32Array(view.packedEnd);
  }

  /** The position of the object with this number, or -1: then the graph does not hold it, or it is no commit. */
  position(number: number): number {
    const known = this.#positions[number];
    if (known > 0) return known - 1;
    const position = this.graph.find(this.#view.oid(number));
    if (position >= 0) this.#keep(position, number);
    return position;
  }

  /** Numbers of the parents of a commit; -1 for one that is not there. */
  parents(position: number): number[] {
    const parents: number[] = [];
    this.graph.parents(position, parents);
    for (let i = 0; i < parents.length; i++) parents[i] = this.#number(parents[i]);
    return parents;
  }

  /** The number of the root tree of a commit, or -1 when it is not there. */
  tree(position: number): number {
    return this.#view.find(this.graph.data(position), this.graph.treeAt(position));
  }

  /** A graph may hold commits that have been pruned since. */
  #number(position: number): number {
    const known = this.#numbers[position];
    if (known > 0) return known - 1;
    const number = this.#view.find(this.graph.data(position), this.graph.idAt(position));
    if (number >= 0) this.#keep(position, number);
    return number;
  }

  #keep(position: number, number: number): void {
    this.#numbers[position] = number + 1;
    if (number < this.#positions.length) this.#positions[number] = position + 1;
  }
}
