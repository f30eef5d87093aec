/** Repositories with known content, made fast: histories are streams for `git fast-import`. */
import { createCipheriv } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { git } from './git.ts';

/** A file's content, or null to delete it; bytes that are no UTF-8 are given as a latin1 path in {@link latin1}. */
export type Files = Readonly<Record<string, string | Buffer | null>>;

export interface CommitOptions {
  /** Full ref or short branch name. */
  readonly branch: string;
  readonly files?: Files;
  /** Marks or commit-ishes. The first is the parent; without it, the branch's tip (if this stream made it). */
  readonly from?: string;
  readonly merge?: readonly string[];
  readonly message?: string;
  /** Gitlinks by path. */
  readonly submodules?: Readonly<Record<string, string>>;
}

const FAST = ['-c', 'core.compression=1'];
const START = 1_700_000_000;

/** A stream for `git fast-import`. Every commit is a minute younger than the one before. */
export class History {
  readonly #parts: Buffer[] = [];
  #marks = 0;
  #minutes: number;

  /** @param minute of the first commit: later streams into one repository start later */
  constructor(minute = 0) {
    this.#minutes = minute;
  }

  /** @returns the mark of the commit, to be used in `from` and `merge` */
  commit({ branch, files = {}, from, merge = [], message, submodules = {} }: CommitOptions): string {
    const mark = `:${++this.#marks}`;
    const ref = branch.startsWith('refs/') ? branch : `refs/heads/${branch}`;
    this.#text(`commit ${ref}\nmark ${mark}\n`);
    this.#text(`committer Carl Committer <carl@example.com> ${START + 60 * this.#minutes++} +0000\n`);
    this.#data(message ?? `commit ${mark.slice(1)}\n`);
    if (from) this.#text(`from ${from}\n`);
    for (const other of merge) this.#text(`merge ${other}\n`);
    for (const [name, content] of Object.entries(files)) {
      if (content === null) {
        this.#text(`D ${quote(name)}\n`);
        continue;
      }
      this.#text(`M 100644 inline ${quote(name)}\n`);
      this.#data(content);
    }
    for (const [name, oid] of Object.entries(submodules)) this.#text(`M 160000 ${oid} ${quote(name)}\n`);
    return mark;
  }

  /** Makes any ref point at a commit. */
  ref(name: string, commit: string): void {
    this.#text(`reset ${name}\nfrom ${commit}\n\n`);
  }

  /** An annotated tag. */
  tag(name: string, commit: string): void {
    this.#text(`tag ${name}\nfrom ${commit}\ntagger Carl Committer <carl@example.com> ${START} +0000\n`);
    this.#data(`tag ${name}\n`);
  }

  /** What has been said so far, for a fast-import of one's own. */
  get stream(): Buffer {
    return Buffer.concat(this.#parts);
  }

  /**
   * Writes one pack, or with `loose` loose objects.
   * @param flags of git itself, such as `-c core.compression=0`
   */
  importInto(repository: string, loose = false, flags: readonly string[] = FAST): void {
    const limit = loose ? 1_000_000 : 0;
    const args = [...flags, '-c', `fastimport.unpackLimit=${limit}`, 'fast-import', '--quiet', '--force'];
    git(repository, args, { input: this.stream });
  }

  #text(text: string): void {
    this.#parts.push(Buffer.from(text));
  }

  #data(content: string | Buffer): void {
    const bytes = Buffer.from(content as string);
    this.#parts.push(Buffer.from(`data ${bytes.length}\n`), bytes, Buffer.from('\n'));
  }
}

/** A bare repository below `root` whose HEAD is `main`. */
export function createRepository(root: string, name: string, flags: readonly string[] = []): string {
  const directory = path.join(root, name);
  fs.mkdirSync(directory, { recursive: true });
  git(directory, ['init', '--quiet', '--bare', '--initial-branch=main', ...flags]);
  return directory;
}

/** Moves every object of a repository out of its packs. */
export function unpackAll(repository: string): void {
  const directory = path.join(repository, 'objects/pack');
  const packs = fs.readdirSync(directory).filter((file) => file.endsWith('.pack'));
  const contents = packs.map((file) => fs.readFileSync(path.join(directory, file)));
  // git does not write what it has, so the packs go first.
  for (const file of fs.readdirSync(directory)) fs.rmSync(path.join(directory, file), { force: true });
  for (const input of contents) git(repository, [...FAST, 'unpack-objects', '-q'], { input });
}

/** One more commit on a branch, as loose objects, younger than all of {@link History}'s. */
export function addCommit(repository: string, branch: string, files: Files): void {
  const history = new History(1_000_000);
  history.commit({ branch, from: `refs/heads/${branch}^0`, files });
  history.importInto(repository, true);
}

/** A commit whose tree holds these blobs and nothing else: the branch's next, or its first. */
export function commitBlobs(
  repository: string,
  branch: string,
  blobs: Readonly<Record<string, string>>,
): void {
  const lines = Object.entries(blobs).map(([name, oid]) => `100644 blob ${oid}\t${name}\n`);
  const tree = git(repository, ['mktree'], { input: lines.join('') });
  const ref = `refs/heads/${branch}`;
  const tip = git(repository, ['for-each-ref', '--format=%(objectname)', ref]);
  const parent = tip === '' ? [] : ['-p', tip];
  git(repository, ['update-ref', ref, git(repository, ['commit-tree', ...parent, '-m', branch, tree])]);
}

/** Names of the packs of a repository, without directory and extension. */
export function packsOf(repository: string): string[] {
  return fs
    .readdirSync(path.join(repository, 'objects/pack'))
    .filter((file) => file.endsWith('.pack'))
    .map((file) => file.slice(0, -'.pack'.length))
    .sort();
}

/** Bytes that do not compress, the same for the same seed. */
export function noise(length: number, seed: number): Buffer {
  const key = Buffer.alloc(16);
  key.writeUInt32BE(seed);
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
}

/** Numbers in [0, 1) that look random, the same for the same seed. */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A path of bytes that are no UTF-8, for {@link Files}: each character of `text` stands for one byte. */
export function latin1(text: string): string {
  return `${LATIN1}${text}`;
}

const LATIN1 = '\uE000';

/** The way fast-import takes any bytes: in octal. */
function quote(name: string): string {
  const bytes = name.startsWith(LATIN1) ? Buffer.from(name.slice(1), 'latin1') : Buffer.from(name);
  return `"${[...bytes].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('')}"`;
}
