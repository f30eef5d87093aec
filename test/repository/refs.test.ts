import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { isRefName } from '../../src/repository/ref-name.ts';
import { FileRefs } from '../../src/repository/refs.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git, gitBytes } from '../support/git.ts';
import { initBare, makeHistory } from './history.ts';

let directory: string;
let newest: string;
let older: string;

beforeEach(() => {
  directory = temporaryDirectory();
  initBare(directory);
  makeHistory(directory, { commits: 3, files: 1 });
  [newest, older] = git(directory, ['rev-parse', 'main', 'main~1']).split('\n');
});

function write(name: string, text: string): void {
  const file = path.join(directory, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text);
}

/** Name, id and symbolic target of each ref, by git; names as byte strings. */
function listByGit(...patterns: string[]) {
  const format = '--format=%(refname) %(objectname) %(symref)';
  const lines = gitBytes(directory, ['for-each-ref', format, ...patterns])
    .toString('latin1')
    .split('\n');
  return lines.slice(0, -1).map((line) => {
    const [name, oid, target] = line.split(' ');
    return { name, oid, target: target || undefined };
  });
}

function listByUs(prefixes?: string[]) {
  return new FileRefs(directory).list(prefixes).map(({ name, oid, target }) => ({ name, oid, target }));
}

/** The id that git resolves a name to; undefined when it does not. */
function resolvedByGit(name: string): string | undefined {
  try {
    return git(directory, ['rev-parse', '--verify', '--quiet', name]);
  } catch {
    return undefined;
  }
}

describe('the list of refs', () => {
  test('loose ones stand over packed ones, sorted by bytes', () => {
    for (const name of ['a', 'a-b', 'a.b', 'a/b', 'Z', 'ä', '€/x'].filter((name) => name !== 'a')) {
      git(directory, ['update-ref', `refs/heads/${name}`, newest]);
    }
    git(directory, ['tag', '-a', '-m', 'x', 'v1', 'main']);
    git(directory, ['pack-refs', '--all']);
    git(directory, ['update-ref', 'refs/heads/Z', older]);
    git(directory, ['update-ref', 'refs/heads/new', older]);
    git(directory, ['update-ref', 'refs/notes/commits', older]);
    git(directory, ['update-ref', '-d', 'refs/heads/a-b']);
    expect(listByUs()).toEqual(listByGit());
    expect(listByUs()).toHaveLength(9);
  });

  test('symbolic refs have the target they resolve to, dangling ones are left out', () => {
    git(directory, ['symbolic-ref', 'refs/heads/one', 'refs/heads/main']);
    git(directory, ['symbolic-ref', 'refs/remotes/origin/HEAD', 'refs/remotes/origin/main']);
    write('refs/heads/by-hand', 'ref:   refs/heads/main  \n');
    write('refs/heads/no-blank', 'ref:refs/heads/main');
    fs.symlinkSync('main', path.join(directory, 'refs/heads/linked'));
    expect(listByUs()).toEqual(listByGit());
    git(directory, ['pack-refs', '--all']);
    expect(listByUs()).toEqual(listByGit());
    expect(listByUs().map(({ name }) => name)).toContain('refs/heads/linked');
  });

  test('prefixes pick what git picks by them', () => {
    for (const name of ['heads/a', 'heads/ab', 'heads/b/c', 'tags/a', 'tags/b', 'x/y/z']) {
      git(directory, ['update-ref', `refs/${name}`, newest]);
      if (name < 'heads/b') git(directory, ['pack-refs', '--all']);
    }
    const all = listByGit();
    const prefix = fc.constantFrom(
      '',
      'r',
      'refs/',
      'refs/heads',
      'refs/heads/',
      'refs/heads/a',
      'refs/heads/b/',
    );
    const others = fc.constantFrom(
      'refs/tags/',
      'refs/heads/b/c',
      'refs/heads/b/c/',
      'refs/x/y',
      'HEAD',
      'nope',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(prefix, others), { minLength: 1, maxLength: 3 }), (prefixes) => {
        const expected = all.filter(({ name }) => prefixes.some((start) => name.startsWith(start)));
        expect(listByUs(prefixes)).toEqual(expected);
      }),
    );
  });

  test('files that are no refs are left out', () => {
    write('refs/heads/main.lock', `${older}\n`);
    write('refs/heads/.hidden', `${older}\n`);
    write('refs/heads/a..b', `${older}\n`);
    write('refs/heads/with space', `${older}\n`);
    write('refs/heads/x.lock/y', `${older}\n`);
    fs.mkdirSync(path.join(directory, 'refs/heads/empty/deeper'), { recursive: true });
    expect(listByUs()).toEqual(listByGit());
    expect(listByUs()).toHaveLength(1);
  });

  test('directories give way to refs: an empty one hides no packed ref', () => {
    git(directory, ['update-ref', 'refs/heads/dir', older]);
    git(directory, ['pack-refs', '--all']);
    fs.mkdirSync(path.join(directory, 'refs/heads/dir/empty'), { recursive: true });
    expect(listByUs()).toEqual(listByGit());
    expect(new FileRefs(directory).resolve('refs/heads/dir')?.oid).toBe(older);
  });

  const BROKEN: Readonly<Record<string, (oid: string) => string>> = {
    'an empty file': () => '',
    'a cut id': (oid) => oid.slice(0, 39),
    'an id with more behind it': (oid) => `${oid}0\n`,
    words: () => 'not a ref\n',
    'the zero id': () => `${'0'.repeat(40)}\n`,
    'a target that is no name': () => 'ref: refs/heads/a..b\n',
    'a target outside of refs': () => 'ref: ../../etc/passwd\n',
    'itself as target': () => 'ref: refs/heads/broken\n',
  };

  test.each(Object.entries(BROKEN))('a loose ref with %s is left out', (_, content) => {
    write('refs/heads/broken', content(older));
    expect(listByUs()).toEqual(listByGit());
    expect(new FileRefs(directory).resolve('refs/heads/broken')?.oid).toBeUndefined();
  });

  test.each(Object.entries(BROKEN))(
    'a loose ref with %s does not bring back an old packed value',
    (_, content) => {
      git(directory, ['update-ref', 'refs/heads/broken', older]);
      git(directory, ['pack-refs', '--all']);
      write('refs/heads/broken', content(newest));
      expect(listByGit().map(({ name }) => name)).toEqual(['refs/heads/main']);
      expect(listByUs()).toEqual(listByGit());
    },
  );

  test('an id may stand in capitals and have anything behind a blank', () => {
    write('refs/heads/capitals', `${older.toUpperCase()}\n`);
    write('refs/heads/more', `${older}\tmore\n`);
    write('refs/heads/bare', older);
    expect(listByUs()).toEqual(listByGit());
    expect(listByUs()).toHaveLength(4);
  });
});

describe('HEAD', () => {
  const head = () => new FileRefs(directory).resolve('HEAD');

  test('of a branch', () => {
    expect(head()).toMatchObject({ oid: newest, target: 'refs/heads/main' });
  });

  test('detached', () => {
    git(directory, ['update-ref', '--no-deref', 'HEAD', older]);
    expect(head()).toMatchObject({ oid: older, target: undefined });
  });

  test('unborn', () => {
    git(directory, ['symbolic-ref', 'HEAD', 'refs/heads/none']);
    expect(head()).toMatchObject({ oid: undefined, target: 'refs/heads/none' });
  });

  test('as a symbolic link', () => {
    fs.rmSync(path.join(directory, 'HEAD'));
    fs.symlinkSync('refs/heads/main', path.join(directory, 'HEAD'));
    expect(head()).toMatchObject({ oid: newest, target: 'refs/heads/main' });
  });

  test('of a packed branch', () => {
    git(directory, ['pack-refs', '--all']);
    expect(head()).toMatchObject({ oid: newest, target: 'refs/heads/main' });
  });
});

describe('symbolic refs of symbolic refs', () => {
  test('are followed exactly as far as git follows them', () => {
    let target = 'refs/heads/main';
    for (let i = 1; i <= 8; i++) {
      write(`refs/heads/hop${i}`, `ref: ${target}\n`);
      target = `refs/heads/hop${i}`;
      expect([i, new FileRefs(directory).resolve(target)?.oid]).toEqual([i, resolvedByGit(target)]);
    }
    expect(listByUs()).toEqual(listByGit());
  });

  test('in a ring resolve to nothing', () => {
    write('refs/heads/a', 'ref: refs/heads/b\n');
    write('refs/heads/b', 'ref: refs/heads/a\n');
    expect(new FileRefs(directory).resolve('refs/heads/a')?.oid).toBeUndefined();
    expect(listByUs()).toEqual(listByGit());
  });
});

describe('refs that change between two looks', () => {
  test('a ref that pack-refs moves is found by one who looked before', () => {
    const refs = new FileRefs(directory);
    git(directory, ['update-ref', 'refs/heads/late', older]);
    git(directory, ['pack-refs', '--all']);
    expect(refs.resolve('refs/heads/late')?.oid).toBe(older);
    expect(refs.list().map(({ name }) => name)).toEqual(['refs/heads/late', 'refs/heads/main']);
  });
});

describe('names that may be refs', () => {
  const legal = (name: string) => {
    try {
      git('/', ['check-ref-format', name]);
      return true;
    } catch {
      return false;
    }
  };

  test('are those that git check-ref-format lets pass', () => {
    const part = fc.constantFrom(
      'a',
      '.',
      '..',
      '/',
      '@',
      '{',
      '@{',
      '.lock',
      '~',
      '^',
      ':',
      '?',
      '*',
      '[',
      ']',
      '\\',
    );
    const more = fc.constantFrom(
      ' ',
      '\t',
      '\n',
      '\x7f',
      '\x1f',
      'ä',
      'refs/',
      '-',
      'lock',
      '}',
      '"',
      "'",
      '.lock/',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(part, more), { maxLength: 6 }), (parts) => {
        const name = `refs/${parts.join('')}`;
        expect([name, isRefName(Buffer.from(name).toString('latin1'))]).toEqual([name, legal(name)]);
      }),
      { numRuns: 400 },
    );
  });

  test.each(['HEAD', 'main', 'heads/main', '', 'refs', '/refs/heads/a', 'Refs/heads/a'])(
    '%j is not full',
    (name) => {
      expect(isRefName(name)).toBe(false);
    },
  );
});
