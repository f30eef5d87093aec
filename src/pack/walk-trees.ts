/** Which trees and blobs to send: those of the wanted root trees that are not in the excluded ones. */
import { repositoryCorrupt } from '../errors.ts';
import { TREE } from '../repository/object-format.ts';
import type { ObjectReader } from '../repository/object-reader.ts';
import { forEachTreeEntry } from '../repository/parse-object.ts';
import { EXCLUDED, type Marks, WANTED } from './marks.ts';
import { NumberCache } from './number-cache.ts';
import type { Pace } from './pace.ts';
import { directoryHash, EdgeEntries, extendNameHash, PathHints } from './path-hints.ts';
import { AllTreesWalk } from './walk-all-trees.ts';

/** git's `core.maxTreeDepth`. */
const MAX_DEPTH = 2048;
/** How many of the client's trees of one path may lend bases: git's default `pack.window`. */
const LENDING = 10;

export class TreeWalk {
  /** The paths of what was found beside the client's trees. */
  readonly hints: PathHints = new PathHints();
  readonly #edgeEntries = new EdgeEntries(this.hints);
  readonly #objects: ObjectReader;
  readonly #marks: Marks;
  readonly #pace: Pace;
  readonly #seen: (objects: number) => void;
  readonly #blobs: boolean;
  readonly #numbers: NumberCache;
  #count = 0;

  /**
   * @param seen called now and then with the number of trees and blobs marked WANTED so far
   * @param blobs whether blobs matter; else they get no mark
   */
  constructor(
    objects: ObjectReader,
    marks: Marks,
    pace: Pace,
    seen: (objects: number) => void,
    blobs = true,
  ) {
    this.#objects = objects;
    this.#numbers = new NumberCache(objects.view);
    this.#marks = marks;
    this.#pace = pace;
    this.#seen = seen;
    this.#blobs = blobs;
  }

  /** How many trees and blobs were marked WANTED. */
  get count(): number {
    return this.#count;
  }

  /**
   * Marks everything below `roots` WANTED. What is below `edges` is marked EXCLUDED as far as it matters: level by
   * level, only in directories where a wanted tree differs. An object that moved to another directory may
   * therefore be sent again, which is legal; what is EXCLUDED the client has.
   */
  async walk(roots: readonly number[], edges: readonly number[]): Promise<void> {
    if (edges.length > 0) return this.#walkBeside(roots, edges, 0, 0);
    const all = new AllTreesWalk(
      this.#objects,
      this.#marks,
      this.#numbers,
      this.#pace,
      this.#seen,
      this.#blobs,
    );
    await all.walk(roots);
    this.#count += all.count;
  }

  /** @param path the name hash of the directory */
  async #walkBeside(
    roots: readonly number[],
    edges: readonly number[],
    path: number,
    depth: number,
  ): Promise<void> {
    if (depth > MAX_DEPTH) throw repositoryCorrupt('exceeded maximum allowed tree depth');
    const inside = directoryHash(path, depth === 0);
    const beside = this.#edgeEntries;
    const had = new Map<string, number[]>();
    beside.clear();
    for (const [i, edge] of edges.entries()) {
      const lends = i < LENDING;
      this.#marks.add(edge, EXCLUDED);
      if (lends) this.hints.offer(edge, path, true);
      this.#entries(
        edge,
        (isTree, child, data, name, id) => {
          this.#marks.add(child, EXCLUDED);
          if (lends) beside.add(child, extendNameHash(inside, data, name, id - 1), isTree);
          if (isTree) append(had, data.toString('latin1', name, id), child);
        },
        true,
      );
      if (this.#pace.due()) await this.#pause();
    }
    const fresh = new Map<string, number[]>();
    for (const root of roots) {
      if (this.#isKnown(root)) continue;
      this.#want(root);
      this.hints.note(root, path, true);
      this.#entries(root, (isTree, child, data, name, id) => {
        if (this.#isKnown(child)) return;
        beside.want(child, extendNameHash(inside, data, name, id - 1), isTree);
        if (isTree) append(fresh, data.toString('latin1', name, id), child);
        else this.#want(child);
      });
      if (this.#pace.due()) await this.#pause();
    }
    beside.offer();
    for (const [name, trees] of fresh) {
      const hash = extendNameHash(inside, Buffer.from(name, 'latin1'), 0, name.length - 1);
      await this.#walkBeside(trees, had.get(name) ?? [], hash, depth + 1);
    }
  }

  /**
   * Calls `visit` for every tree and blob of a tree; its name lies in `data` from `name` to `id`.
   * @param optional a tree that cannot be read, or an entry that is not there, is passed over
   */
  #entries(
    tree: number,
    visit: (isTree: boolean, child: number, data: Buffer, name: number, id: number) => void,
    optional = false,
  ): void {
    const { view } = this.#objects;
    let object: ReturnType<ObjectReader['read']>;
    try {
      object = this.#objects.read(tree);
    } catch (error) {
      if (optional) return;
      throw error;
    }
    if (object.type !== TREE) throw repositoryCorrupt(`object ${view.hex(tree)} is not a tree`);
    const { data } = object;
    const hash = view.format.bytes;
    forEachTreeEntry(data, hash, (kind, name, id) => {
      if (kind === 'gitlink' || (kind === 'blob' && !this.#blobs)) return;
      const child = this.#numbers.find(data, id);
      if (child >= 0) visit(kind === 'tree', child, data, name, id);
      else if (!optional) throw view.missing(data.toString('hex', id, id + hash));
    });
  }

  #isKnown(number: number): boolean {
    return this.#marks.has(number, WANTED | EXCLUDED);
  }

  #want(number: number): void {
    this.#marks.add(number, WANTED);
    this.#count++;
  }

  async #pause(): Promise<void> {
    this.#seen(this.#count);
    await this.#pace.pause();
  }
}

function append(map: Map<string, number[]>, name: string, tree: number): void {
  const list = map.get(name);
  if (list) list.push(tree);
  else map.set(name, [tree]);
}
