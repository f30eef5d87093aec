import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { IndexFiles } from '../../src/repository/index-files.ts';
import { PackedRefs } from '../../src/repository/packed-refs.ts';
import { inOneGo } from '../../src/stretches.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git, gitBytes } from '../support/git.ts';
import { initBare, makeHistory } from './history.ts';
import { listPacked } from './list-refs.ts';

function newRepository(): string {
  const directory = temporaryDirectory();
  initBare(directory);
  makeHistory(directory, { commits: 3, files: 1 });
  return directory;
}

/** Name, id and peeled id of every ref, by git; names as byte strings. */
function listByGit(directory: string) {
  const rows = gitBytes(directory, ['for-each-ref', '--format=%(refname) %(objectname) %(*objectname)']);
  const lines = rows.toString('latin1').split('\n').slice(0, -1);
  return lines
    .map((line) => line.split(' '))
    .map(([name, oid, peeled]) => ({ name, oid, peeled: peeled || null }));
}

function open(directory: string, files = new IndexFiles(2 ** 20)): PackedRefs {
  return inOneGo(PackedRefs.open(directory, files));
}

function readFile(directory: string): string {
  return fs.readFileSync(path.join(directory, 'packed-refs'), 'latin1');
}

describe('packed-refs as git writes it', () => {
  test('names, ids and peeled ids are those that git sees', () => {
    const directory = newRepository();
    git(directory, ['tag', '-a', '-m', 'x', 'annotated', 'main']);
    git(directory, ['tag', '-a', '-m', 'x', 'of-a-tree', 'main^{tree}']);
    git(directory, ['tag', 'light', 'main~1']);
    git(directory, ['update-ref', 'refs/other/to-a-tag', 'refs/tags/annotated']);
    for (const name of ['refs/heads/Z', 'refs/heads/a', 'refs/heads/a-b', 'refs/heads/ä', 'refs/x/y/z']) {
      git(directory, ['update-ref', name, 'main']);
    }
    git(directory, ['pack-refs', '--all']);
    expect(readFile(directory)).toMatch(/^# pack-refs with: peeled fully-peeled sorted \n/);
    expect(listPacked(open(directory))).toEqual(listByGit(directory));
  });

  test('a tag of a tag is peeled to the end', () => {
    const directory = newRepository();
    git(directory, ['tag', '-a', '-m', 'x', 'inner', 'main']);
    git(directory, ['tag', '-a', '-m', 'x', 'outer', 'inner']);
    git(directory, ['pack-refs', '--all']);
    expect(open(directory).get('refs/tags/outer')!.peeled).toBe(git(directory, ['rev-parse', 'main']));
  });

  test('sha256', () => {
    const directory = temporaryDirectory();
    initBare(directory, ['--object-format=sha256']);
    makeHistory(directory, { commits: 1, files: 1 });
    git(directory, ['pack-refs', '--all']);
    expect(listPacked(open(directory))).toEqual(listByGit(directory));
  });
});

describe('packed-refs as others may have written it', () => {
  const directory = newRepository();
  const oid = git(directory, ['rev-parse', 'main']);
  git(directory, ['update-ref', '-d', 'refs/heads/main']);

  test('any names in any order, with or without a header, are listed as git lists them', () => {
    const part = fc.constantFrom('a', 'B', 'a-b', 'a.b', '0', 'ä', '@', 'x.lock', '.x', 'a..b', 'y.', 'main');
    const name = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => `refs/${parts.join('/')}`);
    fc.assert(
      fc.property(fc.uniqueArray(name, { minLength: 1, maxLength: 12 }), fc.boolean(), (names, header) => {
        const lines = names.map((ref) => `${oid} ${ref}\n`);
        const text = (header ? '# pack-refs with: peeled fully-peeled \n' : '') + lines.join('');
        fs.writeFileSync(path.join(directory, 'packed-refs'), text);
        const found = listPacked(open(directory)).map((ref) => [ref.name, ref.oid]);
        expect(found).toEqual(listByGit(directory).map((ref) => [ref.name, ref.oid]));
      }),
      { numRuns: 80 },
    );
  });

  test('what is peeled is known only as far as the header says', () => {
    const lines = `${oid} refs/heads/a\n${oid} refs/tags/b\n^${'1'.repeat(40)}\n${oid} refs/tags/c\n`;
    const peeled = (header: string) => {
      fs.writeFileSync(path.join(directory, 'packed-refs'), header + lines);
      return listPacked(open(directory)).map((ref) => ref.peeled);
    };
    expect(peeled('')).toEqual([undefined, '1'.repeat(40), undefined]);
    expect(peeled('# pack-refs with: peeled \n')).toEqual([undefined, '1'.repeat(40), null]);
    expect(peeled('# pack-refs with: peeled fully-peeled sorted \n')).toEqual([null, '1'.repeat(40), null]);
    expect(peeled('# pack-refs with: some-new-trait \n')).toEqual([undefined, '1'.repeat(40), undefined]);
  });

  test('a file cut short is never taken for a shorter one: git refuses it too', () => {
    const whole = `# pack-refs with: peeled fully-peeled sorted \n${oid} refs/heads/a\n${oid} refs/heads/b\n`;
    for (const length of [whole.length - 1, whole.length - 10, whole.length - 30]) {
      const cut = whole.slice(0, length);
      fs.writeFileSync(path.join(directory, 'packed-refs'), cut);
      expect(() => git(directory, ['for-each-ref'])).toThrow('fatal');
      expect(() => open(directory)).toThrow(
        expect.objectContaining({ code: 'PACKHORSE_REPOSITORY_CORRUPT' }),
      );
    }
  });
});

describe('reading it again', () => {
  const files = new IndexFiles(2 ** 20);
  const names = (directory: string) => listPacked(open(directory, files)).map(({ name }) => name);

  test('happens only when it changed', () => {
    const directory = newRepository();
    git(directory, ['pack-refs', '--all']);
    const { data } = open(directory, files);
    expect(open(directory, files).data).toBe(data);
    git(directory, ['branch', 'new', 'main~1']);
    git(directory, ['pack-refs', '--all']);
    expect(names(directory)).toEqual(['refs/heads/main', 'refs/heads/new']);
  });

  test('a rewrite of the same size is seen', () => {
    const directory = newRepository();
    const [older, newer] = git(directory, ['rev-parse', 'main~1', 'main']).split('\n');
    git(directory, ['pack-refs', '--all']);
    const first = open(directory, files);
    const text = readFile(directory);
    git(directory, ['update-ref', 'refs/heads/main', older]);
    git(directory, ['pack-refs', '--all']);
    expect(readFile(directory)).toHaveLength(text.length);
    expect(first.get('refs/heads/main')!.oid).toBe(newer);
    expect(open(directory, files).get('refs/heads/main')!.oid).toBe(older);
  });

  test('a file that is gone, and one that comes', () => {
    const directory = newRepository();
    expect(names(directory)).toEqual([]);
    git(directory, ['pack-refs', '--all']);
    expect(names(directory)).toHaveLength(1);
    fs.rmSync(path.join(directory, 'packed-refs'));
    expect(names(directory)).toEqual([]);
  });
});

describe('searching', () => {
  const directory = temporaryDirectory();
  const oid = (i: number) => `${i}`.padStart(40, '0');
  const part = fc.constantFrom('a', 'B', 'a-b', 'a.b', '0', 'ä', '@', 'main', 'ÿ', 'x'.repeat(100));
  const name = fc
    .array(part, { minLength: 1, maxLength: 3 })
    .map((parts) => Buffer.from(`refs/${parts.join('/')}`).toString('latin1'));
  /** Lines with or without a peeled value, comments in between, in the order of names or not. */
  const file = fc.record({
    names: fc.uniqueArray(name, { maxLength: 40 }),
    peeled: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 40, maxLength: 40 }),
    sorted: fc.boolean(),
  });
  const write = ({ names, peeled, sorted }: { names: string[]; peeled: number[]; sorted: boolean }) => {
    const lines = (sorted ? names.toSorted() : names).map((ref, i) => {
      const more = ['', `^${oid(1000 + i)}\n`, '# a comment\n'][peeled[i]];
      return `${oid(i + 1)} ${ref}\n${more}`;
    });
    const text = `# pack-refs with: peeled fully-peeled ${sorted ? 'sorted ' : ''}\n${lines.join('')}`;
    fs.writeFileSync(path.join(directory, 'packed-refs'), text, 'latin1');
    return open(directory);
  };

  test('finds each ref with its values, and no other', () => {
    fc.assert(
      fc.property(file, name, (content, other) => {
        const packed = write(content);
        const all = listPacked(packed);
        expect(all.map((ref) => ref.name)).toEqual(content.names.toSorted());
        for (const { name, ...values } of all) expect(packed.get(name)).toEqual(values);
        const known = all.find((ref) => ref.name === other);
        expect(packed.get(other)?.oid).toBe(known?.oid);
        for (const ref of all) expect(packed.get(`${ref.name}\n`)).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });

  test('by prefix bounds exactly the names that begin with it', () => {
    const any = fc.constantFrom(
      '',
      'refs',
      'refs/a',
      'refs/\xff',
      '\xff',
      'refs/a\n',
      'refs/a-b/',
      'r\xff\xff',
    );
    fc.assert(
      fc.property(file, fc.oneof(any, name), (content, prefix) => {
        const packed = write(content);
        const key = Buffer.from(prefix, 'latin1');
        const from = packed.find(key);
        const end = packed.findEnd(key, from);
        const found: string[] = [];
        for (const ref of listPacked(packed)) {
          const at = packed.find(Buffer.from(ref.name, 'latin1'));
          if (at >= from && at < end) found.push(ref.name);
        }
        expect(found).toEqual(content.names.toSorted().filter((ref) => ref.startsWith(prefix)));
      }),
      { numRuns: 300 },
    );
  });
});

describe('damage', () => {
  const directory = temporaryDirectory();
  const oid = 'a'.repeat(40);
  const good = Array.from({ length: 64 }, (_, i) => `${oid} refs/heads/${100 + i}\n`);
  const corrupt = expect.objectContaining({ code: 'PACKHORSE_REPOSITORY_CORRUPT' });

  test.each([
    ['no id', 'refs/heads/150 nothing\n'],
    ['an id that is cut', `${oid.slice(1)} refs/heads/150\n`],
    ['an id that is no hex', `${'g'.repeat(40)} refs/heads/150\n`],
    ['an id in capitals', `${'A'.repeat(40)} refs/heads/150\n`],
    ['an empty line', '\n'],
    ['a peeled value that is cut', `${oid} refs/heads/150\n^${oid.slice(1)}\n`],
  ])('%s is an error for who comes by, and for no one else', (_, line) => {
    const lines = good.with(50, line);
    fs.writeFileSync(path.join(directory, 'packed-refs'), `# pack-refs with: sorted \n${lines.join('')}`);
    const packed = open(directory);
    expect(() => listPacked(packed)).toThrow(corrupt);
    expect(packed.get('refs/heads/101')?.oid).toBe(oid);
  });
});
