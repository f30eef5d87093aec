/** The file `packed-refs` (protocol section 6.11). */
import fs from 'node:fs';
import path from 'node:path';
import { repositoryCorrupt } from '../errors.ts';
import { isRefName } from './ref-name.ts';

export interface PackedRef {
  /** Byte string (latin1). */
  readonly name: string;
  readonly oid: string;
  /** What the ref's tag points at in the end; null: it is no tag; undefined: the file does not say. */
  readonly peeled: string | null | undefined;
}

/** A parsed file, sorted by name. */
export class PackedRefs {
  readonly identity: string;
  readonly refs: readonly PackedRef[];
  readonly #byName: Map<string, PackedRef>;

  constructor(identity: string, refs: readonly PackedRef[]) {
    this.identity = identity;
    this.refs = refs;
    this.#byName = new Map(refs.map((ref) => [ref.name, ref]));
  }

  get(name: string): PackedRef | undefined {
    return this.#byName.get(name);
  }
}

/**
 * Reads the file again only where it changed: git replaces it as a whole, so a new inode, size or time tells.
 * @param known what was read last
 */
export function readPackedRefs(gitDirectory: string, known?: PackedRefs): PackedRefs {
  const file = path.join(gitDirectory, 'packed-refs');
  let fd: number;
  try {
    fd = fs.openSync(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return known?.identity === '' ? known : new PackedRefs('', []);
  }
  try {
    const stat = fs.fstatSync(fd, { bigint: true });
    const identity = `${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`;
    if (known?.identity === identity) return known;
    return new PackedRefs(identity, parsePackedRefs(fs.readFileSync(fd, 'latin1')));
  } finally {
    fs.closeSync(fd);
  }
}

/** @param text the file as a byte string; lines that are not well formed are passed over */
export function parsePackedRefs(text: string): PackedRef[] {
  const header = text.startsWith('# pack-refs with:') ? text.slice(0, text.indexOf('\n')).split(' ') : [];
  const fullyPeeled = header.includes('fully-peeled');
  const tagsPeeled = fullyPeeled || header.includes('peeled');
  const refs: { name: string; oid: string; peeled: string | null | undefined }[] = [];
  for (let from = 0; from < text.length; ) {
    const end = text.indexOf('\n', from);
    if (end < 0) throw repositoryCorrupt(`unterminated line in packed-refs: ${text.slice(from)}`);
    const line = text.slice(from, end);
    from = end + 1;
    if (line.startsWith('#')) continue;
    if (line.startsWith('^')) {
      const last = refs.at(-1);
      if (last) last.peeled = line.slice(1);
      continue;
    }
    const space = line.indexOf(' ');
    const name = line.slice(space + 1);
    const oid = line.slice(0, Math.max(0, space));
    if (!/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(oid))
      throw repositoryCorrupt(`unexpected line in packed-refs: ${line}`);
    if (!isRefName(name)) continue;
    const complete = fullyPeeled || (tagsPeeled && name.startsWith('refs/tags/'));
    refs.push({ name, oid, peeled: complete ? null : undefined });
  }
  return header.includes('sorted') ? refs : refs.sort((a, b) => (a.name < b.name ? -1 : 1));
}
