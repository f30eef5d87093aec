/**
 * Refs, and those in files: loose ones over `packed-refs` (protocol sections 6.11 and 6.12). Names are byte strings
 * (latin1).
 */
import fs from 'node:fs';
import { PackhorseError } from '../errors.ts';
import { isRefName } from '../ref-name.ts';
import { compareStrings, sortInStretches } from '../sort-in-stretches.ts';
import { inOneGo, inStretches, type Pause, type Stretches } from '../stretches.ts';
import type { GitDirectories } from './git-directory.ts';
import type { IndexFiles } from './index-files.ts';
import { isMissing, unlessMissing } from './missing-file.ts';
import { PackedLine } from './packed-line.ts';
import { PackedRefs } from './packed-refs.ts';
import type { RefPrefixes } from './ref-prefixes.ts';
import { expandRef, type RefValue, resolveRef } from './resolve-ref.ts';
import { readSmallFile } from './small-file.ts';
import { Stamps } from './stamps.ts';
import type { StoredRef } from './stored-ref.ts';
import { isOfWorktree, OF_WORKTREE } from './worktree-refs.ts';

export interface Ref {
  readonly name: string;
  /** Hex id; undefined for a symbolic ref whose target is not there (unborn). */
  readonly oid: string | undefined;
  /** Of a symbolic ref: the full name it resolves to in the end. */
  readonly target: string | undefined;
  /** What its tag points at in the end; null: it is no tag; undefined: it takes a look at the object to know. */
  readonly peeled: string | null | undefined;
}

/** What is returned is awaited before the work goes on, and what is thrown ends it. */
type Wait = ReturnType<Pause>;

/** Gets the refs one after the other, in the order of their names. */
export interface RefVisitor {
  /** A ref that has a file of its own, or is symbolic, and resolves. */
  loose(ref: Ref & { readonly oid: string }): Wait;
  /** One that is stored with others: in `packed-refs` or a reftable. */
  stored(ref: StoredRef): Wait;
}

const BRANCHES = 'refs/heads/';
const BLANK = ' \t\n\r';

/** A loose ref that is larger holds no ref: no path is as long. */
const LARGEST_REF = 64 * 1024;

/** The refs of a repository as one request sees them. */
export interface Refs {
  /** Of all that was read so far. */
  readonly stamps: Stamps;
  /** Reads now, with pauses, what all other methods would read in one go. */
  prepare(pause: Pause): Promise<void>;
  /** Resolves a full name or `HEAD`; undefined when there is no such ref, or a broken one. */
  resolve(name: string): Ref | undefined;
  /** The refs that a short name may stand for, by git's rules, in their order. */
  expand(short: string): Ref[];
  /** Visits every ref below `refs/` that resolves, sorted bytewise. */
  visit(prefixes: RefPrefixes, visitor: RefVisitor, pause?: Pause): Promise<void>;
}

/** null: there is a file, but what it holds is no ref. */
type LooseValue = { oid: string } | { target: string } | null;

/** Packed refs between two pauses, a power of two. */
const PACE = 32;
/** A directory of more bytes may hold so many refs that it is read piece by piece. */
const LARGE_DIRECTORY = 2 ** 15;
/** Entries of one piece. */
const PIECE = 256;

/** The refs of a git directory, or of a worktree. */
export class FileRefs implements Refs {
  readonly #directories: GitDirectories;
  readonly #files: IndexFiles;
  #packedSeen = false;
  readonly stamps = new Stamps();

  constructor(directories: GitDirectories, files: IndexFiles) {
    this.#directories = directories;
    this.#files = files;
  }

  async prepare(pause: Pause): Promise<void> {
    await inStretches(this.#openPacked(), pause);
  }

  resolve(name: string): Ref | undefined {
    return resolveRef(name, (current) => this.#read(current));
  }

  expand(short: string): Ref[] {
    return expandRef(short, (name) => this.resolve(name));
  }

  async visit(prefixes: RefPrefixes, visitor: RefVisitor, pause: Pause = () => undefined): Promise<void> {
    const names = await this.#looseNames(prefixes, pause);
    const loose: (Ref | undefined)[] = [];
    for (const name of names) {
      loose.push(this.resolve(name));
      const rest = pause();
      if (rest) await rest;
    }
    // Opened behind that: pack-refs moves refs in this direction.
    const packed = await inStretches(this.#openPacked(), pause);
    const line = new PackedLine(packed);
    let at = 0;
    let next = 0;
    for (const prefix of prefixes.sorted) {
      const rest = pause();
      if (rest) await rest;
      const start = Buffer.from(prefix, 'latin1');
      at = packed.find(start, at);
      const end = packed.findEnd(start, at);
      for (;;) {
        const name = names[next]?.startsWith(prefix) ? Buffer.from(names[next], 'latin1') : undefined;
        const stop = name ? packed.find(name, at, end) : end;
        for (let i = 1; ; i++) {
          at = packed.skipNotes(at);
          if (at >= stop) break;
          line.read(at);
          at = line.next;
          const wait = line.named ? visitor.stored(line) : undefined;
          if (wait) await wait;
          const rest = i % PACE === 0 ? pause() : undefined;
          if (rest) await rest;
        }
        if (!name) break;
        // A loose ref hides a packed one, even where it is broken.
        at = packed.findBehind(name, at);
        const ref = loose[next++];
        const wait = ref?.oid ? visitor.loose({ ...ref, oid: ref.oid }) : undefined;
        if (wait) await wait;
        const rest = pause();
        if (rest) await rest;
      }
    }
  }

  #read(name: string): RefValue | { target: string } | undefined {
    const loose = this.#readLoose(name);
    if (loose === null) return undefined;
    if (loose) return 'oid' in loose ? { oid: loose.oid, peeled: undefined } : loose;
    // A look each time, as git does: pack-refs may have moved the ref over the older value known from there.
    return inOneGo(this.#openPacked()).get(name);
  }

  #openPacked(): Stretches<PackedRefs> {
    const { commonDirectory } = this.#directories;
    if (!this.#packedSeen) this.stamps.see(`${commonDirectory}/packed-refs`, true);
    this.#packedSeen = true;
    return PackedRefs.open(commonDirectory, this.#files);
  }

  #readLoose(name: string): LooseValue | undefined {
    const file = this.#file(name);
    const stat = this.stamps.see(file);
    if (!stat || stat.isDirectory()) return undefined;
    let text: string;
    try {
      if (stat.isSymbolicLink()) {
        const link = fs.readlinkSync(file, 'latin1');
        if (isRefName(link)) return { target: link };
        // Where it leads in the end may change without a trace here.
        this.stamps.spoil();
      }
      text = readSmallFile(file, LARGEST_REF).toString('latin1');
    } catch (error) {
      if (isMissing(error) || (error as NodeJS.ErrnoException).code === 'EISDIR') return undefined;
      if (error instanceof PackhorseError) return null;
      throw error;
    }
    return parseLooseRef(text);
  }

  /** Sorted. */
  async #looseNames(prefixes: RefPrefixes, pause: Pause): Promise<string[]> {
    const names: string[] = [];
    const { gitDirectory, commonDirectory } = this.#directories;
    const own = gitDirectory === commonDirectory ? [] : OF_WORKTREE;
    const directories = ['refs/', ...own.filter((directory) => prefixes.mayHold(directory))];
    // The list grows while it is walked.
    for (const directory of directories) {
      const rest = pause();
      if (rest) await rest;
      for (const entry of this.#entries(directory)) {
        const rest = pause();
        if (rest) await rest;
        const name = directory + entry.name.toString('latin1');
        if (entry.isDirectory()) {
          const below = `${name}/`;
          if (prefixes.mayHold(below) && !own.includes(below)) directories.push(below);
        } else if (prefixes.matches(name) && isRefName(name)) names.push(name);
      }
    }
    return inStretches(sortInStretches(names, compareStrings), pause);
  }

  #entries(directory: string): Iterable<fs.Dirent<Buffer>> {
    const file = this.#file(directory);
    const stat = this.stamps.see(file, true);
    if (stat && stat.size > LARGE_DIRECTORY) return readPieces(file);
    return unlessMissing(() => fs.readdirSync(file, { withFileTypes: true, encoding: 'buffer' }), []);
  }

  #file(name: string): Buffer {
    const { gitDirectory, commonDirectory } = this.#directories;
    const base = isOfWorktree(name) ? gitDirectory : commonDirectory;
    return Buffer.concat([Buffer.from(`${base}/`), Buffer.from(name, 'latin1')]);
  }
}

/** Blanks are git's: those of other languages are parts of characters in a name's bytes. */
function parseLooseRef(text: string): LooseValue {
  if (text.startsWith('ref:')) return { target: trimBlanks(text.slice('ref:'.length)) };
  const oid = /^([0-9a-f]{40}(?:[0-9a-f]{24})?)(?:[ \t\n\r\0]|$)/i.exec(text)?.[1].toLowerCase();
  return oid && !/^0+$/.test(oid) ? { oid } : null;
}

function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && BLANK.includes(text[start])) start++;
  while (start < end && BLANK.includes(text[end - 1])) end--;
  return text.slice(start, end);
}

function* readPieces(directory: Buffer): Generator<fs.Dirent<Buffer>> {
  // Node takes the encoding here as it does for a whole directory; its types do not know.
  const encoding: string = 'buffer';
  const options = { bufferSize: PIECE, encoding: encoding as BufferEncoding };
  const open = unlessMissing(() => fs.opendirSync(directory, options), undefined);
  if (!open) return;
  try {
    for (let entry = open.readSync(); entry; entry = open.readSync()) {
      yield entry as fs.Dirent<string | Buffer> as fs.Dirent<Buffer>;
    }
  } finally {
    open.closeSync();
  }
}

/** The branch that `HEAD` is on, be it there or not, without `refs/heads/`; undefined when it is on none. */
export function branchOf(refs: Refs): string | undefined {
  const target = refs.resolve('HEAD')?.target;
  return target?.startsWith(BRANCHES) ? target.slice(BRANCHES.length) : undefined;
}
