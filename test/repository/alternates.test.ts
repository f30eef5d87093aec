import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { objectDirectories } from '../../src/repository/alternates.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { initBare } from './history.ts';

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
function seenByGit(root: string, blobs: Map<string, string>, name: string): string[] {
  const input = [...blobs.values()].join('\n');
  const rows = git(path.join(root, name), ['cat-file', '--batch-check'], { input }).split('\n');
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
});
