/**
 * Trees, and those blobs that stand at paths which patterns take in: what the filter `sparse:oid=` leaves. What a
 * pattern says goes by the path alone, so all versions of a directory are looked at together, one directory after
 * the other: every tree is read once for each path that it stands at, and every path is matched once.
 */
import { repositoryCorrupt } from '../errors.ts';
import { TREE } from '../repository/object-format.ts';
import { endOfMode, kindOfTreeEntry } from '../repository/parse-object.ts';
import { LastTree } from './last-tree.ts';
import { EXCLUDED, WANTED } from './marks.ts';
import { checkTreeDepth } from './tree-depth.ts';
import type { TreeWalkContext } from './tree-walk-context.ts';

/** What stands at one path, as one version of its directory has it. */
interface Entry {
  readonly name: string;
  readonly isTree: boolean;
  readonly number: number;
  /** The id of what is not there. */
  readonly oid: Buffer | undefined;
}

/** A path of directories, which in some versions of the history is there. */
interface Directory {
  /** Without a slash at the end; empty for a root tree. */
  readonly path: string;
  /** Below root trees; what stands in a directory is one deeper. */
  readonly depth: number;
  /** For each list of patterns, what it says of paths that none of its patterns matches. */
  readonly inherited: readonly boolean[];
}

export class SparseWalk {
  readonly #context: TreeWalkContext;
  #count = 0;

  constructor(context: TreeWalkContext) {
    this.#context = context;
  }

  /** How many trees and blobs were marked WANTED. */
  get count(): number {
    return this.#count;
  }

  /**
   * Marks what is sent of all below `roots` and `named` WANTED, unless it is EXCLUDED.
   * @param named trees that wants name: paths begin in them too, but they stand nowhere themselves
   */
  async walk(roots: readonly number[], named: readonly number[]): Promise<void> {
    const nowhere = this.#context.filter.patterns.map(() => false);
    await this.#walk(new Set(named), { path: '', depth: -1, inherited: nowhere });
    await this.#walk(new Set(roots), { path: '', depth: 0, inherited: this.#match('', true, nowhere) });
  }

  /** @param trees the versions of a directory */
  async #walk(trees: ReadonlySet<number>, { path, depth, inherited }: Directory): Promise<void> {
    checkTreeDepth(depth, this.#context.objects);
    const isLast = depth + 1 >= this.#context.filter.depth;
    const directories = new Map<string, Set<number>>();
    /** Whether the files of these names are sent. */
    const files = new Map<string, boolean>();
    const start = path === '' ? '' : `${path}/`;
    const last = new LastTree(this.#context.objects.view.format.bytes);
    for (const tree of trees) {
      if (this.#context.marks.has(tree, EXCLUDED)) continue;
      this.#want(tree);
      for (const { name, isTree, number, oid } of isLast ? [] : this.#readFresh(tree, last, files)) {
        let isSent = isTree || files.get(name);
        if (isSent === undefined) {
          isSent = this.#match(start + name, false, inherited).every(Boolean);
          files.set(name, isSent);
        }
        if (isSent && oid) this.#context.missing(oid, 0, tree);
        else if (isSent && !isTree) this.#want(number);
        else if (isTree) directories.set(name, (directories.get(name) ?? new Set()).add(number));
        if (this.#context.pace.due()) await this.#pause();
      }
      if (this.#context.pace.due()) await this.#pause();
    }
    for (const [name, versions] of directories) {
      directories.delete(name); // its memory is needed no longer than its walk
      const below = start + name;
      const directory = { path: below, depth: depth + 1, inherited: this.#match(below, true, inherited) };
      await this.#walk(versions, directory);
    }
  }

  /** What a version of a directory has that the one before had not, less the files that are known not to be sent. */
  #readFresh(tree: number, last: LastTree, files: ReadonlyMap<string, boolean>): Entry[] {
    const { view } = this.#context.objects;
    const { type, data } = this.#context.objects.read(tree);
    if (type !== TREE) throw repositoryCorrupt(`object ${view.hex(tree)} is not a tree`);
    const fresh: Entry[] = [];
    last.follow(data, (at, end) => {
      const kind = kindOfTreeEntry(data, at);
      const id = end - view.format.bytes;
      const name = data.toString('latin1', endOfMode(data, at) + 1, id - 1);
      const isTree = kind === 'tree';
      if (kind === 'gitlink' || (!isTree && files.get(name) === false)) return;
      const number = this.#context.numbers.find(data, id);
      const oid = number < 0 ? Buffer.from(data.subarray(id, end)) : undefined;
      fresh.push({ name, isTree, number, oid });
    });
    return fresh;
  }

  /** For each list of patterns, whether it takes a path in. */
  #match(path: string, isDirectory: boolean, inherited: readonly boolean[]): boolean[] {
    return this.#context.filter.patterns.map(
      (patterns, i) => patterns.match(path, isDirectory) ?? inherited[i],
    );
  }

  #want(number: number): void {
    if (this.#context.marks.has(number, WANTED | EXCLUDED)) return;
    this.#context.marks.add(number, WANTED);
    this.#count++;
  }

  async #pause(): Promise<void> {
    this.#context.seen(this.#count);
    await this.#context.pace.pause();
  }
}
