/**
 * The file `packed-refs` (protocol section 6.11), searched where it lies in memory. Only what is looked at is checked,
 * as git does: a damaged line is an error for a request that lists or resolves it, not for one that passes it by. That
 * the file ends with a whole line is always checked.
 */
import path from 'node:path';
import { repositoryCorrupt } from '../errors.ts';
import type { Stretches } from '../stretches.ts';
import type { IndexFile, IndexFiles } from './index-files.ts';
import { PackedLine } from './packed-line.ts';
import { sortLines } from './sort-packed-refs.ts';

export interface PackedRef {
  readonly oid: string;
  /** What the ref's tag points at in the end; null: it is no tag; undefined: the file does not say. */
  readonly peeled: string | null | undefined;
}

const LF = 10;
const HASH = 35;
const CARET = 94;
const HEADER = '# pack-refs with:';
const NOTHING = Buffer.alloc(0);

/** Positions are bytes into {@link data}, each the start of a line; searching skips lines that name no ref. */
export class PackedRefs {
  /** Lines in the order of their names. */
  readonly data: Buffer;
  /** Whether a ref without a peeled value is known to be no tag: any, or those below `refs/tags/`. */
  readonly fullyPeeled: boolean;
  readonly tagsPeeled: boolean;

  private constructor(data: Buffer, traits: readonly string[]) {
    this.fullyPeeled = traits.includes('fully-peeled');
    this.tagsPeeled = this.fullyPeeled || traits.includes('peeled');
    this.data = data;
  }

  /**
   * The file as it is now.
   * @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT` when it was cut short, and the system's error when it cannot
   *   be read
   */
  static *open(directory: string, files: IndexFiles): Stretches<PackedRefs> {
    const file = yield* files.open(path.join(directory, 'packed-refs'));
    return file ? yield* PackedRefs.read(file) : new PackedRefs(NOTHING, []);
  }

  /** @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT` when it was cut short */
  static *read(file: IndexFile): Stretches<PackedRefs> {
    const { data } = file;
    if (data.length > 0 && data[data.length - 1] !== LF) {
      const last = data.toString('latin1', data.lastIndexOf(LF) + 1);
      throw repositoryCorrupt(`unterminated line in packed-refs: ${last}`);
    }
    const headed = data.toString('latin1', 0, HEADER.length) === HEADER;
    const traits = headed ? data.toString('latin1', 0, data.indexOf(LF)).split(' ') : [];
    return new PackedRefs(traits.includes('sorted') ? data : yield* sortedData(file), traits);
  }

  /** @param name byte string */
  get(name: string): PackedRef | undefined {
    const key = Buffer.from(name, 'latin1');
    const at = this.find(key);
    if (this.findBehind(key, at) === at) return undefined;
    const line = new PackedLine(this);
    line.read(this.skipNotes(at));
    return { oid: line.oidHex(), peeled: line.peeledHex() };
  }

  /** The position of the first name that does not sort before `key`, between two positions. */
  find(key: Uint8Array, from = 0, to = this.data.length): number {
    let low = from;
    let high = to;
    while (low < high) {
      const start = this.#lineAround((low + high) >>> 1, low);
      const line = this.skipNotes(start);
      if (line >= high) high = start;
      else if (this.#compare(line, key) < 0) low = this.data.indexOf(LF, line) + 1;
      else high = start;
    }
    return low;
  }

  /** The position behind the lines with exactly this name, given the position of the first; that one where none is. */
  findBehind(name: Uint8Array, at: number): number {
    let behind = at;
    for (let line = this.skipNotes(at); line < this.data.length; line = this.skipNotes(behind)) {
      if (this.#compare(line, name) !== 0) break;
      behind = this.data.indexOf(LF, line) + 1;
    }
    return behind;
  }

  /** The position behind the names that begin with `prefix`. */
  findEnd(prefix: Uint8Array, from = 0): number {
    const next = Buffer.from(prefix);
    let length = next.length;
    while (length > 0 && next[length - 1] === 255) length--;
    if (length === 0) return this.data.length;
    next[length - 1]++;
    return this.find(next.subarray(0, length), from);
  }

  /** The position of the first line from `at` on that is a ref's: comments and peeled values belong to none. */
  skipNotes(at: number): number {
    let line = at;
    while (this.data[line] === HASH || this.data[line] === CARET) line = this.data.indexOf(LF, line) + 1;
    return line;
  }

  /** Where the name of the ref stands whose line starts at `line`. @throws PackhorseError where there is none */
  nameAt(line: number): number {
    if (this.data[line + 40] === 32) return line + 41;
    if (this.data[line + 64] === 32) return line + 65;
    throw this.unexpected(line);
  }

  unexpected(line: number): Error {
    const text = this.data.toString('latin1', line, this.data.indexOf(LF, line));
    return repositoryCorrupt(`unexpected line in packed-refs: ${text}`);
  }

  #lineAround(position: number, low: number): number {
    let at = position;
    while (at > low && this.data[at - 1] !== LF) at--;
    return at;
  }

  /** Negative: the name sorts before the key. */
  #compare(line: number, key: Uint8Array): number {
    const { data } = this;
    const name = this.nameAt(line);
    for (let i = 0; i < key.length; i++) {
      const code = data[name + i];
      // A line feed ends the name, also where the key holds one.
      if (code === LF) return -1;
      if (code !== key[i]) return code - key[i];
    }
    return data[name + key.length] === LF ? 0 : 1;
  }
}

/** Sorted once for each version of the file: 0.3 µs a ref where it is in order, as JGit leaves it; 2 where not. */
function* sortedData(file: IndexFile): Stretches<Buffer> {
  const { lines } = yield* file.derive('sorted', function* () {
    return { lines: yield* sortLines(file.data) };
  });
  return lines.length > 0 ? Buffer.from(lines.buffer, lines.byteOffset, lines.byteLength) : file.data;
}
