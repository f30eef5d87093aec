/** Refs as they are found in files, for tests that look at all of them. */
import { IndexFiles } from '../../src/repository/index-files.ts';
import { OBJECT_FORMATS } from '../../src/repository/object-format.ts';
import { PackedLine } from '../../src/repository/packed-line.ts';
import type { PackedRefs } from '../../src/repository/packed-refs.ts';
import { RefPrefixes } from '../../src/repository/ref-prefixes.ts';
import { FileRefs, type Ref, type Refs } from '../../src/repository/refs.ts';
import { ReftableRefs } from '../../src/repository/reftable-refs.ts';
import type { StoredRef } from '../../src/repository/stored-ref.ts';
import type { Pause } from '../../src/stretches.ts';

export function openRefs(directory: string): FileRefs {
  return new FileRefs({ gitDirectory: directory, commonDirectory: directory }, new IndexFiles(2 ** 26));
}

/** The refs of a directory `reftable`, of one without worktrees. */
export function openReftables(
  directory: string,
  format = OBJECT_FORMATS.sha1,
  files = new IndexFiles(2 ** 26),
) {
  return new ReftableRefs({ gitDirectory: directory, commonDirectory: directory }, format, files);
}

/** Every ref that is visited, in that order. */
export async function listRefs(refs: Refs, prefixes: readonly string[] = [], pause?: Pause) {
  const found: Ref[] = [];
  const visitor = {
    loose: (ref: Ref) => void found.push(ref),
    stored: (ref: StoredRef) => void found.push({ ...refOf(ref), target: undefined }),
  };
  await refs.visit(new RefPrefixes(prefixes), visitor, pause);
  return found;
}

/** Every ref of a file, in that order. */
export function listPacked(packed: PackedRefs) {
  const found: ReturnType<typeof refOf>[] = [];
  const line = new PackedLine(packed);
  for (let at = packed.skipNotes(0); at < packed.data.length; at = packed.skipNotes(line.next)) {
    line.read(at);
    if (line.named) found.push(refOf(line));
  }
  return found;
}

function refOf(ref: StoredRef) {
  return { name: ref.name(), oid: ref.oidHex(), peeled: ref.peeledHex() };
}
