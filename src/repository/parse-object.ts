/** The parts of commits, tags and trees that a fetch needs. */
import { repositoryCorrupt } from '../errors.ts';
import type { ObjectFormat, ObjectType } from './object-format.ts';
import { typeFromName } from './object-format.ts';

export interface ParsedCommit {
  readonly tree: Buffer;
  readonly parents: readonly Buffer[];
  /** Committer time, seconds since 1970; 0 where it cannot be read. */
  readonly date: number;
}

const TREE_WORD = Buffer.from('tree ');
const PARENT_WORD = Buffer.from('parent ');

/** @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT` when the bytes are no commit */
export function parseCommit(data: Buffer, format: ObjectFormat): ParsedCommit {
  const hex = format.hexLength;
  if (data.indexOf(TREE_WORD) !== 0) throw repositoryCorrupt('a commit has no tree');
  const tree = parseHex(data, 5, hex);
  let at = 5 + hex + 1;
  const parents: Buffer[] = [];
  while (startsWith(data, PARENT_WORD, at)) {
    parents.push(parseHex(data, at + 7, hex));
    at += 7 + hex + 1;
  }
  return { tree, parents, date: committerDate(data, at) };
}

function committerDate(data: Buffer, from: number): number {
  const line = data.indexOf('\ncommitter ', from - 1, 'latin1');
  if (line < 0) return 0;
  let end = data.indexOf(10, line + 1);
  if (end < 0) end = data.length;
  const close = data.lastIndexOf(62, end - 1); // '>'
  if (close < line) return 0;
  const date = Number.parseInt(data.toString('latin1', close + 1, end), 10);
  return Number.isSafeInteger(date) && date > 0 ? date : 0;
}

export interface ParsedTag {
  readonly target: Buffer;
  readonly type: ObjectType;
}

/** @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT` when the bytes are no tag */
export function parseTag(data: Buffer, format: ObjectFormat): ParsedTag {
  const text = data.toString('latin1', 0, 200);
  const match = /^object ([0-9a-f]+)\ntype (\w+)\n/.exec(text);
  const type = match && typeFromName(match[2]);
  if (!match || match[1].length !== format.hexLength || !type)
    throw repositoryCorrupt('a tag is not well formed');
  return { target: Buffer.from(match[1], 'hex'), type };
}

/** What an entry of a tree points at. */
export type EntryKind = 'tree' | 'blob' | 'gitlink';

/**
 * Calls `visit` for every entry of a tree, in order: `data` holds its name from `name` to `id`, less the NUL, and its
 * id from `id` on.
 * @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT` when the bytes are no tree
 */
export function forEachTreeEntry(
  data: Buffer,
  hash: number,
  visit: (kind: EntryKind, name: number, id: number) => void,
): void {
  for (let at = 0; at < data.length; ) {
    const space = endOfMode(data, at);
    const end = endOfTreeEntry(data, at, hash);
    visit(kindOf(data, at, space), space + 1, end - hash);
    at = end;
  }
}

/**
 * Where the entry of a tree that starts at `at` ends: behind its id of `hash` bytes.
 * @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT` when there is no entry
 */
export function endOfTreeEntry(data: Buffer, at: number, hash: number): number {
  const space = endOfMode(data, at);
  let nul = space + 1;
  while (data[nul] !== 0 && nul < data.length) nul++;
  const end = nul + 1 + hash;
  if (space === at || end > data.length) throw repositoryCorrupt('a tree is not well formed');
  return end;
}

/** What the entry of a tree that starts at `at` points at. */
export function kindOfTreeEntry(data: Buffer, at: number): EntryKind {
  return kindOf(data, at, endOfMode(data, at));
}

/** Where the mode of the tree entry that starts at `at` ends: the name begins one behind. */
export function endOfMode(data: Buffer, at: number): number {
  let space = at;
  while (data[space] !== 32 && space < data.length) space++;
  return space;
}

/** Modes are octal: 40000 is a tree (some writers put a zero before it), 160000 a gitlink, the rest are blobs. */
function kindOf(data: Buffer, from: number, to: number): EntryKind {
  const start = data[from] === 48 ? from + 1 : from;
  const length = to - start;
  if (length === 5 && data[start] === 52) return 'tree';
  if (length === 6 && data[start] === 49 && data[start + 1] === 54) return 'gitlink';
  return 'blob';
}

function startsWith(data: Buffer, word: Buffer, at: number): boolean {
  for (let i = 0; i < word.length; i++) if (data[at + i] !== word[i]) return false;
  return true;
}

function parseHex(data: Buffer, at: number, length: number): Buffer {
  const id = Buffer.from(data.toString('latin1', at, at + length), 'hex');
  if (id.length * 2 !== length) throw repositoryCorrupt('a commit names an object that is not an id');
  return id;
}
