/**
 * Finding what trees have that the client's trees beside them have not: for fetches. Directory by directory the first
 * wanted tree is compared with one of the client's and each with the one before it; only the few entries that differ are
 * looked for in the client's others.
 */
import { repositoryCorrupt } from '../errors.ts';
import { BLOB, type StoredObject, TREE } from '../repository/object-format.ts';
import { endOfTreeEntry, kindOfTreeEntry } from '../repository/parse-object.ts';
import { FreshEntries } from './fresh-entries.ts';
import { LastTree } from './last-tree.ts';
import { EXCLUDED, WANTED } from './marks.ts';
import { NumberList } from './number-list.ts';
import { directoryHash, PathHints } from './path-hints.ts';
import { checkTreeDepth } from './tree-depth.ts';
import type { TreeWalkContext } from './tree-walk-context.ts';

/** How many of the client's trees of one path may lend bases: git's default `pack.window`. */
const LENDING = 10;

export class TreesBesideWalk {
  readonly #context: TreeWalkContext;
  readonly #blobs: boolean;
  /** The paths of what was found, and what the client has there. */
  readonly hints = new PathHints();
  /** What was marked WANTED, and the trees of the client's that were looked at. */
  readonly #found = new NumberList();
  readonly #visited = new Set<number>();

  constructor(context: TreeWalkContext) {
    this.#context = context;
    this.#blobs = context.filter.types.includes(BLOB);
  }

  /** How many trees and blobs were marked WANTED. */
  get count(): number {
    return this.#found.length;
  }

  /**
   * Marks what is below `roots` and `named` WANTED, and EXCLUDED what stands in those trees of the client's that were
   * looked at for it.
   * @param named trees that may stand anywhere
   */
  async walk(roots: readonly number[], edges: readonly number[], named: readonly number[]): Promise<void> {
    await this.#walk(roots, edges, 0, 0);
    const others = named.filter((tree) => !this.#isKnown(tree));
    if (others.length > 0) await this.#walk(others, edges, 0, 0);
    await this.#excludeMoved();
  }

  /** What was found may stand in another directory of the client's. */
  async #excludeMoved(): Promise<void> {
    const { view } = this.#context.objects;
    const hash = view.format.bytes;
    const filter = new Uint8Array(2 ** 16);
    const keyAt = (ids: Buffer, id: number) => ids[id] | (ids[id + 1] << 8);
    for (let i = 0; i < this.#found.length; i++) filter[keyAt(view.oid(this.#found.get(i)), 0)] = 1;
    for (const edge of this.#visited) {
      const data = this.#readEdge(edge) ?? Buffer.alloc(0);
      for (let at = 0; at < data.length; ) {
        at = endOfTreeEntry(data, at, hash);
        if (filter[keyAt(data, at - hash)] === 0) continue;
        const number = this.#context.numbers.find(data, at - hash);
        if (number >= 0 && this.#context.marks.has(number, WANTED)) this.#context.marks.add(number, EXCLUDED);
      }
      if (this.#context.pace.due()) await this.#pause();
    }
  }

  /** @param path the name hash of the directory */
  async #walk(roots: Iterable<number>, edges: readonly number[], path: number, depth: number): Promise<void> {
    checkTreeDepth(depth, this.#context.objects);
    const { format } = this.#context.objects.view;
    const inside = directoryHash(path, depth === 0);
    for (const [i, edge] of edges.entries()) {
      this.#context.marks.add(edge, EXCLUDED);
      if (i < LENDING) this.hints.offer(edge, path, true);
    }
    const fresh = new FreshEntries((data, id) => this.#context.numbers.find(data, id), format.bytes, inside);
    const last = new LastTree(format.bytes);
    const beside = this.#readEdge(edges[0]);
    if (beside) this.#startFrom(beside, last);
    for (const root of roots) {
      if (this.#isKnown(root)) continue;
      this.#want(root, path, true);
      const data = this.#readTree(root);
      last.follow(data, (at, end) => this.#addFresh(root, data, at, end, fresh));
      if (this.#context.pace.due()) await this.#pause();
    }
    if (fresh.size === 0) return;
    for (const [i, edge] of edges.entries()) {
      this.#compareWith(edge, fresh, i < LENDING);
      if (this.#context.pace.due()) await this.#pause();
    }
    for (const { hash, trees, blobs, had } of fresh.names) {
      for (const blob of blobs) if (!this.#isKnown(blob)) this.#want(blob, hash, false);
      if (trees.size > 0) await this.#walk(trees, [...had], hash, depth + 1);
    }
  }

  /** What the client's tree has is known of all that follow it. */
  #startFrom(data: Buffer, last: LastTree): void {
    try {
      last.follow(data, () => {});
    } catch {
      // It is no tree: excluding less is always right.
    }
  }

  #addFresh(tree: number, data: Buffer, at: number, end: number, fresh: FreshEntries): void {
    const kind = kindOfTreeEntry(data, at);
    if (kind === 'gitlink' || (kind === 'blob' && !this.#blobs)) return;
    const id = end - this.#context.objects.view.format.bytes;
    const number = this.#context.numbers.find(data, id);
    if (number < 0) this.#context.missing(data, id, tree);
    else if (!this.#isKnown(number)) fresh.add(data, at, end, number, kind === 'tree');
  }

  #compareWith(edge: number, fresh: FreshEntries, lends: boolean): void {
    this.#visited.add(edge);
    const data = this.#readEdge(edge);
    if (!data) return;
    fresh.compare(
      data,
      (name, number, isTree) => {
        this.#context.marks.add(number, EXCLUDED);
        if (isTree) name.had.add(number);
        if (lends) this.hints.offer(number, name.hash, isTree);
      },
      (number) => void this.#context.marks.add(number, EXCLUDED),
    );
  }

  /** Undefined where there is none, or it cannot be read: excluding less is always right. */
  #readEdge(edge: number | undefined): Buffer | undefined {
    try {
      return edge === undefined ? undefined : this.#readTree(edge);
    } catch {
      return undefined;
    }
  }

  #readTree(number: number): Buffer {
    const { type, data }: StoredObject = this.#context.objects.read(number);
    if (type === TREE) return data;
    throw repositoryCorrupt(`object ${this.#context.objects.view.hex(number)} is not a tree`);
  }

  #isKnown(number: number): boolean {
    return this.#context.marks.has(number, WANTED | EXCLUDED);
  }

  #want(number: number, path: number, isTree: boolean): void {
    this.#context.marks.add(number, WANTED);
    this.hints.note(number, path, isTree);
    this.#found.push(number);
  }

  async #pause(): Promise<void> {
    this.#context.seen(this.#found.length);
    await this.#context.pace.pause();
  }
}
