/**
 * The patterns of a sparse checkout (git's `gitignore` format), which say what paths are taken in. Patterns and paths
 * are byte strings (latin1); paths have no slash at their ends, and the root is an empty one.
 */
import { filterUnreadable } from '../errors.ts';
import { isTooLong, wildmatch } from '../wildmatch.ts';

interface Pattern {
  /** Whether a path that matches is left out. */
  readonly negated: boolean;
  readonly directoriesOnly: boolean;
  readonly matches: (path: string, name: string) => boolean;
  /** How many bytes of it take {@link wildmatch}. */
  readonly wildcards: number;
}

const BYTE_ORDER_MARK = '\xef\xbb\xbf';
const SPECIAL = /[*?[\\]/;
/** Each takes some 200 bytes of memory, and a look for every path. */
const MOST_LINES = 100_000;
/** Bytes of patterns that take {@link wildmatch}: all of them are tried on a path without a pause. */
const MOST_WILDCARDS = 256 * 1024;

export class SparsePatterns {
  /** The last one first. */
  readonly #patterns: readonly Pattern[];

  /** @throws PackhorseError `PACKHORSE_FILTER_UNREADABLE` where there are too many of them */
  constructor(text: string) {
    if (countLines(text) > MOST_LINES) throw tooMany();
    const lines = text.slice(text.startsWith(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK.length : 0).split('\n');
    if (lines.at(-1) === '') lines.pop();
    this.#patterns = lines
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => parsePattern(trim(line)))
      .reverse();
    const wild = this.#patterns.reduce((sum, { wildcards }) => sum + wildcards, 0);
    if (wild > MOST_WILDCARDS) throw tooMany();
  }

  /**
   * What the last pattern that matches says of a path: whether it is taken in. Undefined where none does: then it is
   * with the path as with the directory that it stands in.
   */
  match(path: string, isDirectory: boolean): boolean | undefined {
    const name = path.slice(path.lastIndexOf('/') + 1);
    const last = this.#patterns.find(
      (pattern) => (isDirectory || !pattern.directoriesOnly) && pattern.matches(path, name),
    );
    return last && !last.negated;
  }
}

function countLines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}

function tooMany(): Error {
  return filterUnreadable('the sparse filter has too many patterns');
}

/** A line less a carriage return at its end, what a zero byte cuts off, and blanks that no backslash keeps. */
function trim(line: string): string {
  const [text] = line.replace(/\r$/, '').split('\0', 1);
  let end = text.length;
  while (text[end - 1] === ' ') end--;
  let backslashes = 0;
  while (text[end - 1 - backslashes] === '\\') backslashes++;
  return text.slice(0, backslashes % 2 === 1 ? end + 1 : end);
}

function parsePattern(line: string): Pattern {
  const negated = line.startsWith('!');
  const whole = negated ? line.slice(1) : line;
  const directoriesOnly = whole.endsWith('/');
  const text = directoriesOnly ? whole.slice(0, -1) : whole;
  const matches = text.includes('/') ? pathMatcher(text.replace(/^\//, '')) : nameMatcher(text);
  const wildcards = SPECIAL.test(text) && !isTooLong(text, '') ? text.length : 0;
  return { negated, directoriesOnly, matches, wildcards };
}

/** A pattern with a slash is for whole paths. The root has none. */
function pathMatcher(text: string): Pattern['matches'] {
  const special = text.search(SPECIAL);
  if (special < 0) return (path) => path === text && path !== '';
  const start = text.slice(0, special);
  return (path) => path !== '' && path.startsWith(start) && matches(text, path);
}

/** A pattern without is for the last part of a path; that of the root is empty. */
function nameMatcher(text: string): Pattern['matches'] {
  if (!SPECIAL.test(text)) return (_path, name) => name === text;
  const end = text.slice(1);
  if (text[0] === '*' && !SPECIAL.test(end)) return (_path, name) => name.endsWith(end);
  return (_path, name) => matches(text, name);
}

/** What is too long is matched by nothing. */
function matches(pattern: string, path: string): boolean {
  return !isTooLong(pattern, path) && wildmatch(pattern, path, { pathname: true });
}
