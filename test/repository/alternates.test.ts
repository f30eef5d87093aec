import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { objectDirectories, parseAlternates } from '../../src/repository/alternates.ts';
import { askGit, askPackhorse } from '../support/ask-git.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { GIT_ENVIRONMENT, git } from '../support/git.ts';
import { encodeRequest } from '../support/requests.ts';
import { initBare, makeHistory } from './history.ts';

const everything = () => true;

/** A directory with bare repositories of these names, each with a blob of its own. */
function makeRepositories(...names: string[]): { root: string; blobs: Map<string, string> } {
  const root = temporaryDirectory();
  const blobs = new Map<string, string>();
  for (const name of names) {
    const directory = path.join(root, name);
    fs.mkdirSync(directory, { recursive: true });
    initBare(directory);
    blobs.set(name, git(directory, ['hash-object', '-w', '--stdin'], { input: `blob of ${name}` }));
  }
  return { root, blobs };
}

const objectsOf = (root: string, name: string) => path.join(root, name, 'objects');

function borrow(root: string, name: string, text: string): void {
  fs.writeFileSync(path.join(objectsOf(root, name), 'info/alternates'), text);
}

/** Names of the repositories whose blobs git sees from `name`. */
function seenByGit(
  root: string,
  blobs: Map<string, string>,
  name: string,
  environment: NodeJS.ProcessEnv = {},
): string[] {
  const input = [...blobs.values()].join('\n');
  const env = { ...GIT_ENVIRONMENT, ...environment };
  const rows = git(path.join(root, name), ['cat-file', '--batch-check'], { input, env }).split('\n');
  return [...blobs.keys()].filter((_, i) => !rows[i].endsWith('missing')).sort();
}

function seenByUs(root: string, blobs: Map<string, string>, name: string): string[] {
  const directories = objectDirectories(objectsOf(root, name), everything);
  return [...blobs.keys()].filter((other) => directories.includes(objectsOf(root, other))).sort();
}

function expectAsGit(root: string, blobs: Map<string, string>, expected: string[]): void {
  expect(seenByGit(root, blobs, 'a')).toEqual(expected);
  expect(seenByUs(root, blobs, 'a')).toEqual(expected);
}

describe('the object directories of a repository', () => {
  test('are its own where it borrows nothing', () => {
    const { root, blobs } = makeRepositories('a', 'b');
    expectAsGit(root, blobs, ['a']);
  });

  test('come in order: its own, then each line with what that one borrows', () => {
    const { root, blobs } = makeRepositories('a', 'b', 'c', 'd');
    borrow(root, 'a', `${objectsOf(root, 'b')}\n${objectsOf(root, 'd')}\n`);
    borrow(root, 'b', `${objectsOf(root, 'c')}\n`);
    expectAsGit(root, blobs, ['a', 'b', 'c', 'd']);
    const expected = ['a', 'b', 'c', 'd'].map((name) => objectsOf(root, name));
    expect(objectDirectories(objectsOf(root, 'a'), everything)).toEqual(expected);
  });

  test.each([
    ['a path relative to the objects', () => '../../b/objects\n'],
    ['no line end', () => '../../b/objects'],
    ['a slash at the end', () => '../../b/objects/\n'],
    ['comments and empty lines', () => '#/../../../c/objects\n\n../../b/objects\n'],
    ['a directory that is not there', () => '/nowhere/objects\n../../b/objects\n'],
    ['quotes', () => '"../../b/objects"\n'],
    ['escapes in quotes', () => '"../../\\142/obj\\145cts"\n'],
  ])('with %s', (_, text) => {
    const { root, blobs } = makeRepositories('a', 'b', 'c');
    borrow(root, 'a', text());
    expectAsGit(root, blobs, ['a', 'b']);
  });

  test.each(['with space', 'ä', 'tab\there', 'quo"te', 'back\\slash', '#hash', ' lead', 'new\nline'])(
    'of a repository called %j',
    (name) => {
      const { root, blobs } = makeRepositories('a', name);
      const escaped = objectsOf(root, name)
        .replaceAll('\\', '\\\\')
        .replaceAll('"', '\\"')
        .replaceAll('\n', '\\n');
      borrow(root, 'a', `"${escaped}"\n`);
      expectAsGit(root, blobs, ['a', name].sort());
    },
  );

  test('in a ring are each there once', () => {
    const { root, blobs } = makeRepositories('a', 'b');
    borrow(root, 'a', `${objectsOf(root, 'b')}\n${objectsOf(root, 'b')}/\n${objectsOf(root, 'a')}\n`);
    borrow(root, 'b', `${objectsOf(root, 'a')}\n`);
    expectAsGit(root, blobs, ['a', 'b']);
    expect(objectDirectories(objectsOf(root, 'a'), everything)).toHaveLength(2);
  });

  test('of a long chain reach as far as git goes', () => {
    const names = [...'abcdefghij'];
    const { root, blobs } = makeRepositories(...names);
    for (let i = 0; i + 1 < names.length; i++) borrow(root, names[i], `${objectsOf(root, names[i + 1])}\n`);
    expectAsGit(root, blobs, [...'abcdefg']);
  });

  test.each([
    ['a quote that does not end', '"../../b/objects\n../../c/objects\n'],
    ['an escape that is none', '"../../\\qb/objects"\n../../c/objects\n'],
    ['an escape of more than a byte', '"../../\\542/objects"\n../../c/objects\n'],
    ['something behind the quotes', '"../../b/objects"x../../c/objects\n'],
    ['two in quotes on one line', '"../../b/objects" "../../c/objects"\n'],
    ['quotes over two lines', '"../../new\nline/objects"\n../../c/objects'],
    ['a comment behind a blank', ' # ../../b/objects\n../../c/objects'],
    ['a comment in quotes', '"#../../b/objects"\n../../c/objects'],
    ['a zero byte', '../../b/objects\n../../c/objects\0../../new\n'],
    ['carriage returns', '../../b/objects\r\n../../c/objects\r\n'],
    ['steps through a link', '../link/../objects\n../../c/objects\n'],
    ['a file', '../HEAD\n../../c/objects\n'],
  ])('with what git makes of %s', (_, text) => {
    const { root, blobs } = makeRepositories('a', 'b', 'c', 'new\nline');
    fs.mkdirSync(path.join(root, 'b/deep'));
    fs.symlinkSync('../b/deep', path.join(root, 'a/link'));
    borrow(root, 'a', text);
    expect(seenByUs(root, blobs, 'a')).toEqual(seenByGit(root, blobs, 'a'));
  });

  test('of a chain of relative paths reach as far as git goes', () => {
    const { root, blobs } = makeRepositories('a', 'b', 'c');
    borrow(root, 'a', '../../b/objects\n');
    borrow(root, 'b', '../../c/objects\n');
    expect(seenByUs(root, blobs, 'a')).toEqual(seenByGit(root, blobs, 'a'));
  });

  test('are real paths: a link is seen through', () => {
    const { root } = makeRepositories('a', 'b');
    fs.symlinkSync('b', path.join(root, 'linked'));
    borrow(root, 'a', '../../linked/objects\n../../b/objects\n');
    const expected = [objectsOf(root, 'a'), objectsOf(root, 'b')];
    expect(objectDirectories(objectsOf(root, 'a'), everything)).toEqual(expected);
  });

  test('that may not be read are left out, with all that only they borrow', () => {
    const { root } = makeRepositories('a', 'b', 'c', 'd');
    borrow(root, 'a', `${objectsOf(root, 'b')}\n${objectsOf(root, 'd')}\n`);
    borrow(root, 'b', `${objectsOf(root, 'c')}\n`);
    fs.symlinkSync(objectsOf(root, 'b'), path.join(root, 'innocent'));
    const asked: string[] = [];
    const allowed = (directory: string) => {
      asked.push(directory);
      return directory !== objectsOf(root, 'b');
    };
    const expected = [objectsOf(root, 'a'), objectsOf(root, 'd')];
    expect(objectDirectories(objectsOf(root, 'a'), allowed)).toEqual(expected);
    borrow(root, 'a', `${path.join(root, 'innocent')}\n${objectsOf(root, 'd')}\n`);
    expect(objectDirectories(objectsOf(root, 'a'), allowed)).toEqual(expected);
    expect(asked).not.toContain(path.join(root, 'innocent'));
  });

  test('that have links to what may not be read are left out', () => {
    const { root } = makeRepositories('a', 'b', 'c');
    borrow(root, 'a', '../../b/objects\n../../c/objects\n');
    const outside = temporaryDirectory();
    fs.writeFileSync(path.join(outside, 'alternates'), '../../a/objects\n');
    fs.symlinkSync(path.join(outside, 'alternates'), path.join(objectsOf(root, 'b'), 'info/alternates'));
    const allowed = (directory: string) => directory.startsWith(root);
    const expected = [objectsOf(root, 'a'), objectsOf(root, 'c')];
    expect(objectDirectories(objectsOf(root, 'a'), allowed)).toEqual(expected);
  });
});

describe('the environment', () => {
  /** What is there with these alternates, asked from inside of the repository. */
  function expectSame(root: string, blobs: Map<string, string>, text: string): string[] {
    const theirs = seenByGit(root, blobs, 'a', { GIT_ALTERNATE_OBJECT_DIRECTORIES: text });
    const borrowed = parseAlternates(text, ':').map((entry) => path.resolve(root, 'a', entry));
    const directories = objectDirectories(objectsOf(root, 'a'), everything, borrowed);
    const ours = [...blobs.keys()].filter((name) => directories.includes(objectsOf(root, name))).sort();
    expect(ours).toEqual(theirs);
    return ours;
  }

  test('names alternates, before those of the file', () => {
    const { root, blobs } = makeRepositories('a', 'b', 'c', 'd');
    borrow(root, 'a', '../../d/objects\n');
    borrow(root, 'b', '../../c/objects\n');
    expect(expectSame(root, blobs, '../b/objects')).toEqual(['a', 'b', 'c', 'd']);
    const directories = objectDirectories(objectsOf(root, 'a'), everything, [objectsOf(root, 'b')]);
    expect(directories).toEqual(['a', 'b', 'c', 'd'].map((name) => objectsOf(root, name)));
  });

  test('names alternates in every way that git reads', () => {
    const { root, blobs } = makeRepositories('a', 'b', 'c:d', 'new\nline');
    const part = fc.constantFrom(
      '../b/objects',
      '"../b/objects"',
      '"../c:d/objects"',
      '../c:d/objects',
      '../new\nline/objects',
      '"../new\\nline/objects"',
      '"../\\142/objects"',
      '"../b/objects',
      '#../b/objects',
      '../nowhere/objects',
      objectsOf(root, 'b'),
      '',
      'x',
    );
    const separator = fc.constantFrom(':', ':', ':', '\n', '');
    fc.assert(
      fc.property(fc.array(fc.tuple(part, separator), { maxLength: 5 }), (parts) => {
        expectSame(root, blobs, parts.flat().join(''));
      }),
      { numRuns: 60 },
    );
  });

  test('says where the objects are, to serve from', async () => {
    const { root } = makeRepositories('a', 'b', 'c');
    makeHistory(path.join(root, 'b'), { commits: 3, files: 2 });
    fs.cpSync(path.join(root, 'b/refs'), path.join(root, 'a/refs'), { recursive: true });
    const directory = path.join(root, 'a');
    const request = encodeRequest('ls-refs', ['ref-prefix refs/']);
    const shown = askGit(path.join(root, 'b'), request);
    const objectDirectory = objectsOf(root, 'b');
    expect(await askPackhorse(directory, request)).toBe('0000');
    expect(await askPackhorse(directory, request, { objectDirectory })).toBe(shown);
    expect(askGit(directory, request, [], { GIT_OBJECT_DIRECTORY: objectDirectory })).toBe(shown);
    // What stands in the repository itself does not count then, be it there or not.
    fs.rmSync(objectsOf(root, 'a'), { recursive: true });
    expect(await askPackhorse(directory, request, { objectDirectory })).toBe(shown);
    expect(await askPackhorse(directory, request)).toContain('ERR ');
    const alternates = ['../b/objects'];
    const other = { objectDirectory: objectsOf(root, 'c'), alternateDirectories: alternates };
    expect(await askPackhorse(directory, request, other)).toBe(shown);
    const environment = {
      GIT_OBJECT_DIRECTORY: objectsOf(root, 'c'),
      GIT_ALTERNATE_OBJECT_DIRECTORIES: '../b/objects',
    };
    expect(askGit(directory, request, [], environment)).toBe(shown);
  });
});
