/** Refs in files: loose ones over `packed-refs` (protocol sections 6.11 and 6.12). Names are byte strings (latin1). */
import fs from 'node:fs';
import { type PackedRefs, readPackedRefs } from './packed-refs.ts';
import { isRefName } from './ref-name.ts';

export interface Ref {
  readonly name: string;
  /** Hex id; undefined for a symbolic ref whose target is not there (unborn). */
  readonly oid: string | undefined;
  /** Of a symbolic ref: the full name it resolves to in the end. */
  readonly target: string | undefined;
  /** As in {@link PackedRefs}: undefined when it takes a look at the object to know. */
  readonly peeled: string | null | undefined;
}

const MAX_HOPS = 5;
const NO_SUCH_FILE = ['ENOENT', 'ENOTDIR', 'EISDIR'];
/** null: there is a file, but what it holds is no ref. */
type LooseValue = { oid: string } | { target: string } | null;

/** The refs of one git directory as one request sees them. */
export class FileRefs {
  readonly #gitDirectory: string;
  #packed: PackedRefs;

  /** @param packed what an earlier request read of `packed-refs`, to read it only where it changed */
  constructor(gitDirectory: string, packed?: PackedRefs) {
    this.#gitDirectory = gitDirectory;
    this.#packed = readPackedRefs(gitDirectory, packed);
  }

  get packed(): PackedRefs {
    return this.#packed;
  }

  /** Resolves a full name or `HEAD`; undefined when there is no such ref, or a broken one. */
  resolve(name: string): Ref | undefined {
    let current = name;
    for (let hops = 0; hops < MAX_HOPS; hops++) {
      const value = this.#read(current);
      const target = current === name ? undefined : current;
      if (!value) return target ? { name, oid: undefined, target, peeled: undefined } : undefined;
      if ('oid' in value) return { name, oid: value.oid, target, peeled: value.peeled };
      current = value.target;
    }
    return undefined;
  }

  /** The refs that a short name may stand for, by git's rules, in their order. */
  expand(short: string): Ref[] {
    const names = ['', 'refs/', 'refs/tags/', 'refs/heads/', 'refs/remotes/'].map((prefix) => prefix + short);
    return [...names, `refs/remotes/${short}/HEAD`]
      .filter((name) => name === 'HEAD' || isRefName(name))
      .map((name) => this.resolve(name))
      .filter((ref): ref is Ref => ref?.oid !== undefined);
  }

  /**
   * Every ref below `refs/` that resolves, sorted bytewise.
   * @param prefixes byte prefixes; empty lists everything
   */
  list(prefixes: readonly string[] = []): Ref[] {
    const wanted = (name: string) =>
      prefixes.length === 0 || prefixes.some((prefix) => name.startsWith(prefix));
    const mayHold = (directory: string) =>
      prefixes.length === 0 ||
      prefixes.some((prefix) => prefix.startsWith(directory) || directory.startsWith(prefix));
    const loose: string[] = [];
    this.#collect('refs/', mayHold, loose);
    // Loose refs are listed before packed-refs is read: pack-refs moves them in that direction.
    this.#packed = readPackedRefs(this.#gitDirectory, this.#packed);
    const names = new Set(loose.filter((name) => wanted(name) && isRefName(name)));
    const found: Ref[] = [];
    for (const name of names) {
      const ref = this.resolve(name);
      if (ref?.oid) found.push(ref);
    }
    for (const { name, oid, peeled } of this.#packed.refs) {
      if (wanted(name) && !names.has(name)) found.push({ name, oid, target: undefined, peeled });
    }
    return found.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  #read(name: string): { oid: string; peeled: string | null | undefined } | { target: string } | undefined {
    if (name !== 'HEAD' && !isRefName(name)) return undefined;
    const loose = this.#readLoose(name);
    if (loose === null) return undefined;
    if (loose) return 'oid' in loose ? { oid: loose.oid, peeled: undefined } : loose;
    let packed = this.#packed.get(name);
    if (!packed) {
      this.#packed = readPackedRefs(this.#gitDirectory, this.#packed);
      packed = this.#packed.get(name);
    }
    return packed;
  }

  #readLoose(name: string): LooseValue | undefined {
    const file = this.#file(name);
    let text: string;
    try {
      if (fs.lstatSync(file).isSymbolicLink()) {
        const link = fs.readlinkSync(file, 'latin1');
        if (isRefName(link)) return { target: link };
      }
      text = fs.readFileSync(file, 'latin1');
    } catch (error) {
      if (NO_SUCH_FILE.includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
      throw error;
    }
    const symbolic = /^ref:\s*(.*?)\s*$/s.exec(text);
    if (symbolic) return { target: symbolic[1] };
    const oid = /^([0-9a-f]{40}(?:[0-9a-f]{24})?)(?:\s|$)/i.exec(text)?.[1].toLowerCase();
    return oid && !/^0+$/.test(oid) ? { oid } : null;
  }

  #collect(directory: string, mayHold: (directory: string) => boolean, into: string[]): void {
    let entries: fs.Dirent<Buffer>[];
    try {
      entries = fs.readdirSync(this.#file(directory), { withFileTypes: true, encoding: 'buffer' });
    } catch {
      return;
    }
    for (const entry of entries) {
      const name = directory + entry.name.toString('latin1');
      if (!entry.isDirectory()) into.push(name);
      else if (mayHold(`${name}/`)) this.#collect(`${name}/`, mayHold, into);
    }
  }

  #file(name: string): Buffer {
    return Buffer.concat([Buffer.from(`${this.#gitDirectory}/`), Buffer.from(name, 'latin1')]);
  }
}
