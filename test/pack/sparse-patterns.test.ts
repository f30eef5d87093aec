/** Patterns of sparse checkouts: they take in what git says they do. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SparsePatterns } from '../../src/pack/sparse-patterns.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git, gitBytes } from '../support/git.ts';
import { createRepository, History, latin1 } from '../support/history.ts';

const NAMES = [
  'a',
  'b',
  'ab',
  'A',
  '.a',
  'a.c',
  'b.c',
  'a b',
  '-',
  ']',
  '[a]',
  '\\',
  '*',
  '!a',
  '#a',
  '\xe9',
];
const PATHS = [
  ...NAMES.flatMap((name) => [name, `d/${name}`, `d/a/${name}`, `e/ab/d/${name}`]),
  'd/b/a/b/a',
  'e/a.c/b/ab/a',
  'e/a b/x',
  'x/y/z/a/b.c',
  'd\xe9/a',
];

/** Every path a file of its own content. */
const repository = createRepository(temporaryDirectory(), 'source.git');
const history = new History();
// What is a file in one place is no directory there.
const files = PATHS.filter((path) => !PATHS.some((other) => other.startsWith(`${path}/`)));
history.commit({
  branch: 'main',
  files: Object.fromEntries(files.map((path) => [latin1(path), Buffer.from(path, 'latin1')])),
});
history.importInto(repository);

/** The paths that git keeps when it filters by these patterns, a byte string. */
function gitTakes(text: string): string[] {
  const input = Buffer.from(text, 'latin1');
  const oid = git(repository, ['hash-object', '-w', '--stdin'], { input });
  const args = ['rev-list', '--objects', `--filter=sparse:oid=${oid}`, 'main'];
  const named = gitBytes(repository, args).toString('latin1').split('\n');
  return files.filter((path) => named.some((line) => line.slice(41) === path)).sort();
}

/** As a walk goes: what no pattern matches is with its directory. */
function weTake(text: string): string[] {
  const patterns = new SparsePatterns(text);
  const isIn = (path: string, isDirectory: boolean): boolean => {
    const above = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
    return patterns.match(path, isDirectory) ?? (path !== '' && isIn(above, true));
  };
  return files.filter((path) => isIn(path, false)).sort();
}

describe('patterns', () => {
  it.each([
    ['a name', 'a\n', 'd/a/b'],
    ['a name with wildcards', '?.c\n', 'e/ab/d/a.c'],
    ['an end of a name', '*.c\n', 'd/b.c'],
    ['a path from the top', '/d/a\n', 'd/a/ab'],
    ['a path, as it has a slash', 'd/a\n', 'd/a/ab'],
    ['a directory', 'a b/\n', 'e/a b/x'],
    ['what is in a directory', '/e/ab/*\n', 'e/ab/d/a'],
    ['any directories before', '**/b/a\n', 'd/b/a/b/a'],
    ['any directories between', 'd/**/b/a\n', 'd/b/a/b/a'],
    ['everything below', 'd/b/**\n', 'd/b/a/b/a'],
    ['all but a directory', '/*\n!/d/\n', 'e/ab/d/a'],
    ['what is in a directory of one that is left out', '/*\n!/d/\n/d/a/ab\n', 'd/a/ab'],
    ['a set of bytes', '/[[:alpha:]]\n', 'A'],
    ['all but a set of bytes', '/[!a-z]\n', 'A'],
    ['an exclamation mark', '\\!a\n', 'd/!a'],
    ['a number sign', '\\#a\n', '#a'],
    ['a backslash', '\\\\\n', 'd/\\'],
    ['a star', '\\*\n', '*'],
    ['blanks inside of it', 'a\\ b\n', 'd/a b'],
    ['bytes that are no ASCII', '[\xe0-\xff]\n', 'd/\xe9'],
    ['no line feed at the end', '#c\n\nab', 'd/ab'],
    ['a byte order mark', '\xef\xbb\xbf/ab\n', 'ab'],
    ['carriage returns', '/ab\r\n', 'ab'],
    ['blanks behind it', '/ab  \n', 'ab'],
    ['everything, by a directory without a name', '*/\n', 'x/y/z/a/b.c'],
  ])('%s', (_what, text, path) => {
    expect(weTake(text)).toContain(path);
    expect(weTake(text)).toEqual(gitTakes(text));
  });

  it.each([
    ['no patterns', ''],
    ['a comment', '# a\n'],
    ['an end of a set that is not there', '[a\n'],
    ['a class that does not exist', '[[:constructor:]]\n'],
    ['a backslash that stands before nothing', 'a\\\n'],
    ['a star that would go across a slash', '/d/*.c/b\n'],
  ])('that take nothing in: %s', (_what, text) => {
    expect(weTake(text)).toEqual([]);
    expect(gitTakes(text)).toEqual([]);
  });
});

it('take in what git takes in', () => {
  const word = fc.constantFrom(...NAMES, 'd', 'e', 'x', 'c');
  const wild = fc.constantFrom(
    '*',
    '**',
    '***',
    '?',
    '[a-c]',
    '[!a]',
    '[^]a]',
    '[[:punct:]-b]',
    '[',
    '[]',
    '\\',
  );
  const more = fc.constantFrom(
    '/',
    '/',
    '/',
    '/**',
    '**/',
    '/*',
    '!',
    '#',
    ' ',
    '\0',
    '\r',
    '[b-]',
    '[z-a]',
    '[\\]]',
  );
  const pattern = fc
    .tuple(
      fc.constantFrom('', '', '!', '/', '!/', '#'),
      fc.array(fc.oneof(word, wild, more), { maxLength: 6 }),
    )
    .map(([start, parts]) => start + parts.join(''));
  fc.assert(
    fc.property(fc.array(pattern, { minLength: 1, maxLength: 5 }), fc.boolean(), (lines, isEnded) => {
      const text = lines.join('\n') + (isEnded ? '\n' : '');
      expect([text, weTake(text)]).toEqual([text, gitTakes(text)]);
    }),
    { numRuns: 150 },
  );
});

it('match long paths by patterns of many stars, and none by more', () => {
  const path = `${'a/'.repeat(2000)}b`;
  expect(new SparsePatterns(`${'**/'.repeat(300)}c\n`).match(path, false)).toBeUndefined();
  expect(new SparsePatterns(`/${'a/**/'.repeat(200)}b\n`).match(path, false)).toBe(true);
  expect(new SparsePatterns(`${'*a'.repeat(500)}\n`).match(`${'a'.repeat(4000)}b`, false)).toBeUndefined();
  expect(new SparsePatterns('a*\n').match('a'.repeat(4097), false)).toBeUndefined();
  expect(new SparsePatterns(`${'*'.repeat(1_000_000)}b\n`).match('b', false)).toBeUndefined();
  expect(new SparsePatterns(`/${'a'.repeat(5000)}\n`).match('a'.repeat(5000), false)).toBe(true);
});

it('that are too many are refused', () => {
  const refused = expect.objectContaining({ code: 'PACKHORSE_FILTER_UNREADABLE' });
  expect(new SparsePatterns('/a\n'.repeat(100_000)).match('a', false)).toBe(true);
  expect(() => new SparsePatterns('/a\n'.repeat(100_001))).toThrow(refused);
  expect(new SparsePatterns('*a*\n'.repeat(60_000)).match('bab', false)).toBe(true);
  expect(() => new SparsePatterns(`${'*a'.repeat(500)}\n`.repeat(300))).toThrow(refused);
});
