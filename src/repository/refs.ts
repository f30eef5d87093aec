/** Refs in files: loose ones over `packed-refs` (protocol sections 6.11 and 6.12). Names are byte strings (latin1). */
import fs from 'node:fs';
import { isMissing, unlessMissing } from './missing-file.ts';
import { type PackedRefs, readPackedRefs } from './packed-refs.ts';
import { isRefName } from './ref-name.ts';
import { RefPrefixes } from './ref-prefixes.ts';

export interface Ref {
  readonly name: string;
  /** Hex id; undefined for a symbolic ref whose target is not there (unborn). */
  readonly oid: string | undefined;
  /** Of a symbolic ref: the full name it resolves to in the end. */
  readonly target: string | undefined;
  /** As in {@link PackedRefs}: undefined when it takes a look at the object to know. */
  readonly peeled: string | null | undefined;
}

/** Called often in long work: what it returns is awaited before the work goes on, and what it throws ends it. */
export type Pause = () => Promise<void> | undefined;

const MAX_HOPS = 5;
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

  /** Every ref below `refs/` that resolves, sorted bytewise. */
  async list(prefixes = new RefPrefixes(), pause: Pause = () => undefined): Promise<Ref[]> {
    // Loose refs are listed before packed-refs is read: pack-refs moves them in that direction.
    const names = await this.#looseNames(prefixes, pause);
    this.#packed = readPackedRefs(this.#gitDirectory, this.#packed);
    const loose: Ref[] = [];
    for (const name of names) {
      const ref = this.resolve(name);
      if (ref?.oid) loose.push(ref);
      const rest = pause();
      if (rest) await rest;
    }
    return this.#merge(loose, new Set(names), prefixes, pause);
  }

  /** @param hiding loose names, broken ones too: none of them shows a packed value */
  async #merge(loose: Ref[], hiding: ReadonlySet<string>, prefixes: RefPrefixes, pause: Pause) {
    const found: Ref[] = [];
    let next = 0;
    for (const { name, oid, peeled } of this.#packed.refs) {
      const rest = pause();
      if (rest) await rest;
      if (!prefixes.matches(name) || hiding.has(name)) continue;
      while (next < loose.length && loose[next].name < name) found.push(loose[next++]);
      found.push({ name, oid, target: undefined, peeled });
    }
    while (next < loose.length) found.push(loose[next++]);
    return found;
  }

  #read(name: string): { oid: string; peeled: string | null | undefined } | { target: string } | undefined {
    if (name !== 'HEAD' && !isRefName(name)) return undefined;
    const loose = this.#readLoose(name);
    if (loose === null) return undefined;
    if (loose) return 'oid' in loose ? { oid: loose.oid, peeled: undefined } : loose;
    // A look each time, as git does: pack-refs may have moved the ref over the older value known from there.
    this.#packed = readPackedRefs(this.#gitDirectory, this.#packed);
    return this.#packed.get(name);
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
      if (isMissing(error) || (error as NodeJS.ErrnoException).code === 'EISDIR') return undefined;
      throw error;
    }
    const symbolic = /^ref:\s*(.*?)\s*$/s.exec(text);
    if (symbolic) return { target: symbolic[1] };
    const oid = /^([0-9a-f]{40}(?:[0-9a-f]{24})?)(?:\s|$)/i.exec(text)?.[1].toLowerCase();
    return oid && !/^0+$/.test(oid) ? { oid } : null;
  }

  /** Sorted. */
  async #looseNames(prefixes: RefPrefixes, pause: Pause): Promise<string[]> {
    const names: string[] = [];
    const directories = ['refs/'];
    // The list grows while it is walked.
    for (const directory of directories) {
      const rest = pause();
      if (rest) await rest;
      for (const entry of this.#entries(directory)) {
        const rest = pause();
        if (rest) await rest;
        const name = directory + entry.name.toString('latin1');
        if (entry.isDirectory()) {
          if (prefixes.mayHold(`${name}/`)) directories.push(`${name}/`);
        } else if (prefixes.matches(name) && isRefName(name)) names.push(name);
      }
    }
    return names.sort();
  }

  #entries(directory: string): fs.Dirent<Buffer>[] {
    const file = this.#file(directory);
    return unlessMissing(() => fs.readdirSync(file, { withFileTypes: true, encoding: 'buffer' }), []);
  }

  #file(name: string): Buffer {
    return Buffer.concat([Buffer.from(`${this.#gitDirectory}/`), Buffer.from(name, 'latin1')]);
  }
}
