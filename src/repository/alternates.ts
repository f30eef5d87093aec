/** Alternates (protocol section 6.15): further object directories that a repository borrows from. */
import path from 'node:path';
import { type AllowDirectory, realPath, staysInside } from './allow-directory.ts';
import { isThere, unlessMissing } from './missing-file.ts';
import { readSmallFile } from './small-file.ts';

/** git takes alternates of alternates up to the sixth. */
const MAX_DEPTH = 6;

/** Bytes of a list of alternates. */
const LARGEST = 1024 * 1024;

/** What is read of an object directory and may be a link, parents first. */
export const OBJECT_PARTS = ['pack', 'info', 'info/alternates', 'info/commit-graph', 'info/commit-graphs'];

/**
 * The object directories of a repository: its own first, then those it borrows from, each once.
 * @param allowed decides whether a directory may be read; what may not, or has links to what may not, is left out
 * @param borrowed directories that it borrows from besides; those that are not there are passed over
 */
export function objectDirectories(
  own: string,
  allowed: AllowDirectory,
  borrowed: readonly string[] = [],
): string[] {
  const found: string[] = [];
  const visit = (directory: string, depth: number, more: readonly string[] = []) => {
    const real = realPath(directory);
    if (!real || found.includes(real) || !allowed(real) || !staysInside(real, OBJECT_PARTS, allowed)) return;
    found.push(real);
    if (depth >= MAX_DEPTH) return;
    for (const alternate of [...more, ...readAlternates(real)]) visit(alternate, depth + 1);
  };
  visit(own, 0, borrowed);
  return found;
}

/**
 * The paths of a list of alternates, as git reads them from the file, a line each, and from the environment
 * (`GIT_ALTERNATE_OBJECT_DIRECTORIES`), parted by colons. Comments are left out, quotes taken off.
 */
export function parseAlternates(text: string, separator: '\n' | ':'): string[] {
  // Escapes stand for bytes, so it is read as bytes; a zero byte ends it.
  const [bytes] = Buffer.from(text).toString('latin1').split('\0');
  const paths: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    QUOTED.lastIndex = at;
    const quoted = QUOTED.exec(bytes);
    const next = bytes.indexOf(separator, at);
    const end = quoted ? QUOTED.lastIndex : next < 0 ? bytes.length : next;
    const entry = quoted ? replaceEscapes(quoted[1]) : bytes.slice(at, end);
    if (entry !== '' && bytes[at] !== '#') paths.push(Buffer.from(entry, 'latin1').toString());
    // What follows a quoted path is taken for the separator, whatever it is.
    at = end + 1;
  }
  return paths;
}

function readAlternates(objects: string): string[] {
  const file = path.join(objects, 'info', 'alternates');
  // Hardly any repository has one, and an exception costs more than a look.
  if (!isThere(file)) return [];
  const content = unlessMissing(() => readSmallFile(file, LARGEST), undefined);
  return parseAlternates(content?.toString() ?? '', '\n').map((entry) =>
    path.isAbsolute(entry) ? entry : `${objects}/${entry}`,
  );
}

/** What is not quoted to its end is no quoted path, but one that begins with a quote. */
const QUOTED = /"((?:[^"\\]|\\(?:[abfnrtv"\\]|[0-3][0-7]{2}))*)"/y;

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

function replaceEscapes(quoted: string): string {
  return quoted.replace(/\\([0-7]{3}|.)/g, (_, code: string) =>
    code.length === 3 ? String.fromCharCode(Number.parseInt(code, 8)) : (ESCAPES[code] ?? code),
  );
}
