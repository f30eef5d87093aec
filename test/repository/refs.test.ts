import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { isRefName } from '../../src/ref-name.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git, gitBytes } from '../support/git.ts';
import { initBare, makeHistory } from './history.ts';
import { listRefs, openRefs } from './list-refs.ts';

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

async function listByUs(prefixes?: string[]) {
  const refs = await listRefs(openRefs(directory), prefixes);
  return refs.map(({ name, oid, target }) => ({ name, oid, target }));
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
  test('loose ones stand over packed ones, sorted by bytes', async () => {
    for (const name of ['a', 'a-b', 'a.b', 'a/b', 'Z', 'ä', '€/x'].filter((name) => name !== 'a')) {
      git(directory, ['update-ref', `refs/heads/${name}`, newest]);
    }
    git(directory, ['tag', '-a', '-m', 'x', 'v1', 'main']);
    git(directory, ['pack-refs', '--all']);
    git(directory, ['update-ref', 'refs/heads/Z', older]);
    git(directory, ['update-ref', 'refs/heads/new', older]);
    git(directory, ['update-ref', 'refs/notes/commits', older]);
    git(directory, ['update-ref', '-d', 'refs/heads/a-b']);
    expect(await listByUs()).toEqual(listByGit());
    expect(await listByUs()).toHaveLength(9);
  });

  test('symbolic refs have the target they resolve to, dangling ones are left out', async () => {
    git(directory, ['symbolic-ref', 'refs/heads/one', 'refs/heads/main']);
    git(directory, ['symbolic-ref', 'refs/remotes/origin/HEAD', 'refs/remotes/origin/main']);
    write('refs/heads/by-hand', 'ref:   refs/heads/main  \n');
    write('refs/heads/no-blank', 'ref:refs/heads/main');
    fs.symlinkSync('main', path.join(directory, 'refs/heads/linked'));
    expect(await listByUs()).toEqual(listByGit());
    git(directory, ['pack-refs', '--all']);
    expect(await listByUs()).toEqual(listByGit());
    expect((await listByUs()).map(({ name }) => name)).toContain('refs/heads/linked');
  });

  test('prefixes pick what git picks by them', async () => {
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
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(prefix, others), { minLength: 1, maxLength: 3 }),
        async (prefixes) => {
          const expected = all.filter(({ name }) => prefixes.some((start) => name.startsWith(start)));
          expect(await listByUs(prefixes)).toEqual(expected);
        },
      ),
    );
  });

  test('files that are no refs are left out', async () => {
    write('refs/heads/main.lock', `${older}\n`);
    write('refs/heads/.hidden', `${older}\n`);
    write('refs/heads/a..b', `${older}\n`);
    write('refs/heads/with space', `${older}\n`);
    write('refs/heads/x.lock/y', `${older}\n`);
    fs.mkdirSync(path.join(directory, 'refs/heads/empty/deeper'), { recursive: true });
    expect(await listByUs()).toEqual(listByGit());
    expect(await listByUs()).toHaveLength(1);
  });

  test('directories give way to refs: an empty one hides no packed ref', async () => {
    git(directory, ['update-ref', 'refs/heads/dir', older]);
    git(directory, ['pack-refs', '--all']);
    fs.mkdirSync(path.join(directory, 'refs/heads/dir/empty'), { recursive: true });
    expect(await listByUs()).toEqual(listByGit());
    expect(openRefs(directory).resolve('refs/heads/dir')?.oid).toBe(older);
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

  test.each(Object.entries(BROKEN))('a loose ref with %s is left out', async (_, content) => {
    write('refs/heads/broken', content(older));
    expect(await listByUs()).toEqual(listByGit());
    expect(openRefs(directory).resolve('refs/heads/broken')?.oid).toBeUndefined();
  });

  test.each(Object.entries(BROKEN))(
    'a loose ref with %s does not bring back an old packed value',
    async (_, content) => {
      git(directory, ['update-ref', 'refs/heads/broken', older]);
      git(directory, ['pack-refs', '--all']);
      write('refs/heads/broken', content(newest));
      expect(listByGit().map(({ name }) => name)).toEqual(['refs/heads/main']);
      expect(await listByUs()).toEqual(listByGit());
    },
  );

  test('an id may stand in capitals and have anything behind a blank', async () => {
    write('refs/heads/capitals', `${older.toUpperCase()}\n`);
    write('refs/heads/more', `${older}\tmore\n`);
    write('refs/heads/bare', older);
    expect(await listByUs()).toEqual(listByGit());
    expect(await listByUs()).toHaveLength(4);
  });
});

describe('HEAD', () => {
  const head = () => openRefs(directory).resolve('HEAD');

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
  test('are followed exactly as far as git follows them', async () => {
    let target = 'refs/heads/main';
    for (let i = 1; i <= 8; i++) {
      write(`refs/heads/hop${i}`, `ref: ${target}\n`);
      target = `refs/heads/hop${i}`;
      expect([i, openRefs(directory).resolve(target)?.oid]).toEqual([i, resolvedByGit(target)]);
    }
    expect(await listByUs()).toEqual(listByGit());
  });

  test('in a ring resolve to nothing', async () => {
    write('refs/heads/a', 'ref: refs/heads/b\n');
    write('refs/heads/b', 'ref: refs/heads/a\n');
    expect(openRefs(directory).resolve('refs/heads/a')?.oid).toBeUndefined();
    expect(await listByUs()).toEqual(listByGit());
  });
});

describe('refs that change between two looks', () => {
  test('a ref that pack-refs moves is found by one who looked before', async () => {
    const refs = openRefs(directory);
    git(directory, ['update-ref', 'refs/heads/late', older]);
    git(directory, ['pack-refs', '--all']);
    expect(refs.resolve('refs/heads/late')?.oid).toBe(older);
    expect((await listRefs(refs)).map(({ name }) => name)).toEqual(['refs/heads/late', 'refs/heads/main']);
  });

  test('one that it moves over an older packed value has the new value', () => {
    git(directory, ['update-ref', 'refs/heads/moved', older]);
    git(directory, ['pack-refs', '--all']);
    const refs = openRefs(directory);
    git(directory, ['update-ref', 'refs/heads/moved', newest]);
    git(directory, ['pack-refs', '--all']);
    expect(refs.resolve('refs/heads/moved')?.oid).toBe(newest);
  });
});

describe('long lists give way', () => {
  /** Ten loose refs, five of them over older packed values, and eleven packed ones. */
  const addMany = () => {
    for (let i = 0; i < 10; i++) git(directory, ['update-ref', `refs/heads/${i}/x`, older]);
    git(directory, ['pack-refs', '--all']);
    for (let i = 5; i < 15; i++) write(`refs/heads/${i}/x`, `${newest}\n`);
  };

  /** Lists everything and calls `act` in one of its pauses, counted from 1. */
  const listWith = async (moment: number, act: () => void) => {
    let pauses = 0;
    const refs = await listRefs(openRefs(directory), [], async () => {
      if (++pauses === moment) act();
    });
    return { pauses, refs: refs.map(({ name, oid, target }) => ({ name, oid, target })) };
  };

  test('at each directory, each loose ref and now and then among packed ones', async () => {
    addMany();
    let asked = 0;
    const count = () => {
      asked++;
      return undefined;
    };
    await listRefs(openRefs(directory), ['refs/none/'], count);
    // `refs/`, `refs/heads` and `refs/tags` in it, one prefix; packed refs are not even looked at.
    expect(asked).toBe(4);
    const { pauses, refs } = await listWith(0, () => {});
    expect(refs).toEqual(listByGit());
    // 10 directories and 10 loose refs, found and read, more.
    expect(pauses).toBeGreaterThanOrEqual(4 + 10 + 10 + 10);
    const lines = Array.from({ length: 1000 }, (_, i) => `${newest} refs/x/${1000 + i}\n`);
    write('packed-refs', `# pack-refs with: sorted \n${lines.join('')}`);
    expect((await listWith(0, () => {})).pauses).toBeGreaterThanOrEqual(pauses + 20);
  });

  test('what a pause throws ends them, wherever they are', async () => {
    addMany();
    const { pauses } = await listWith(0, () => {});
    for (let moment = 1; moment <= pauses; moment++) {
      const ended = listWith(moment, () => {
        throw new Error('enough');
      });
      await expect(ended).rejects.toThrow('enough');
    }
  });

  test('no ref is lost that pack-refs moves in one of the pauses', async () => {
    addMany();
    const expected = listByGit();
    const packed = fs.readFileSync(path.join(directory, 'packed-refs'), 'latin1');
    const { pauses } = await listWith(0, () => {});
    for (let moment = 1; moment <= pauses; moment++) {
      const { refs } = await listWith(moment, () => git(directory, ['pack-refs', '--all']));
      expect(refs).toEqual(expected);
      write('packed-refs', packed);
      for (let i = 5; i < 15; i++) write(`refs/heads/${i}/x`, `${newest}\n`);
    }
  });

  // Looking at each prefix for each ref would take minutes here.
  test('65,000 prefixes over 100,000 packed refs', async () => {
    const number = (i: number) => `${i}`.padStart(6, '0');
    const lines = Array.from({ length: 100_000 }, (_, i) => `${newest} refs/heads/${number(i)}\n`);
    write('packed-refs', `# pack-refs with: peeled fully-peeled sorted \n${lines.join('')}`);
    fs.rmSync(path.join(directory, 'refs/heads/main'), { force: true });
    const prefixes = Array.from({ length: 65_000 }, (_, i) => `refs/heads/${number(2 * i)}`).reverse();
    const found = await listByUs(prefixes);
    expect(found).toHaveLength(50_000);
    expect(found.every(({ name }, i) => name === `refs/heads/${number(2 * i)}`)).toBe(true);
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
