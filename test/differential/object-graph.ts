/** The objects of a small repository in memory, as git reads them: what reaches what. */

import { OBJECT_FORMATS, type TypeName } from '../../src/repository/object-format.ts';
import { parseCommit, parseTag } from '../../src/repository/parse-object.ts';
import { gitBytes } from '../support/git.ts';

export interface StoredObject {
  readonly type: TypeName;
  readonly data: Buffer;
  /** The tree of a commit, target of a tag, entries of a tree but for gitlinks. */
  readonly links: readonly string[];
  /** Of the links of a tree. */
  readonly names: readonly string[];
  /** Of a commit. */
  readonly parents: readonly string[];
  /** Committer time of a commit. */
  readonly date: number;
}

const NO_COMMITS: ReadonlySet<string> = new Set();
const FORMAT = OBJECT_FORMATS.sha1;

export class ObjectGraph {
  readonly #objects = new Map<string, StoredObject>();

  /** Everything that is stored in a repository, reachable or not. */
  static read(directory: string): ObjectGraph {
    const graph = new ObjectGraph();
    const bytes = gitBytes(directory, ['cat-file', '--batch-all-objects', '--batch', '--unordered']);
    for (let at = 0; at < bytes.length; ) {
      const end = bytes.indexOf(10, at);
      const [oid, type, size] = bytes.toString('latin1', at, end).split(' ');
      const data = bytes.subarray(end + 1, end + 1 + Number(size));
      graph.#objects.set(oid, parse(type as TypeName, data));
      at = end + data.length + 2;
    }
    return graph;
  }

  get(oid: string): StoredObject | undefined {
    return this.#objects.get(oid);
  }

  has(oid: string): boolean {
    return this.#objects.has(oid);
  }

  /** Ids of one type, sorted. */
  ofType(type: TypeName): string[] {
    return [...this.#objects]
      .filter(([, object]) => object.type === type)
      .map(([oid]) => oid)
      .sort();
  }

  /** Tags on the way from an object, then what they lead to. */
  peel(oid: string): string[] {
    const path = [oid];
    for (;;) {
      const object = this.get(path.at(-1)!);
      if (object?.type !== 'tag') return path;
      path.push(object.links[0]);
    }
  }

  /** All that objects reach, themselves included, where the commits in `cut` have no parents. */
  closure(tips: Iterable<string>, cut: ReadonlySet<string> = NO_COMMITS): Set<string> {
    const seen = new Set<string>();
    const stack = [...tips];
    for (let oid = stack.pop(); oid !== undefined; oid = stack.pop()) {
      const object = this.get(oid);
      if (!object || seen.has(oid)) continue;
      seen.add(oid);
      stack.push(...object.links);
      if (!cut.has(oid)) stack.push(...object.parents);
    }
    return seen;
  }

  /** Everything below a tree, as `<path> <id>`. */
  places(tree: string, path = ''): string[] {
    const { links = [], names = [] } = this.get(tree) ?? {};
    return links.flatMap((oid, i) => {
      const place = `${path}/${names[i]}`;
      return [`${place} ${oid}`, ...(this.get(oid)?.type === 'tree' ? this.places(oid, place) : [])];
    });
  }

  /** The least number of commits on the way from a want to one of `ends`, both counted. */
  depthOf(ends: ReadonlySet<string>, wants: readonly string[], cut: ReadonlySet<string>): number | undefined {
    let level = wants.map((oid) => this.peel(oid).at(-1)!).filter((oid) => this.get(oid)?.type === 'commit');
    const seen = new Set(level);
    for (let depth = 1; level.length > 0; depth++) {
      if (level.some((oid) => ends.has(oid))) return depth;
      const parents = level.filter((oid) => !cut.has(oid)).flatMap((oid) => this.get(oid)!.parents);
      level = [...new Set(parents)].filter((oid) => !seen.has(oid));
      for (const oid of level) seen.add(oid);
    }
    return undefined;
  }
}

function parse(type: TypeName, data: Buffer): StoredObject {
  const hex = (oid: Uint8Array) => Buffer.from(oid).toString('hex');
  const none = { type, data, links: [], names: [], parents: [], date: 0 };
  if (type === 'commit') {
    const { tree, parents, date } = parseCommit(data, FORMAT);
    return { ...none, links: [hex(tree)], parents: parents.map(hex), date };
  }
  if (type === 'tag') return { ...none, links: [hex(parseTag(data, FORMAT).target)] };
  return type === 'tree' ? { ...none, ...entriesOf(data) } : none;
}

const GITLINK = '160000';

function entriesOf(tree: Buffer): Pick<StoredObject, 'links' | 'names'> {
  const links: string[] = [];
  const names: string[] = [];
  for (let at = 0; at < tree.length; ) {
    const end = tree.indexOf(0, at);
    const next = end + 1 + FORMAT.bytes;
    const [mode, name] = tree.toString('latin1', at, end).split(' ');
    if (mode !== GITLINK) {
      links.push(tree.toString('hex', end + 1, next));
      names.push(name);
    }
    at = next;
  }
  return { links, names };
}
