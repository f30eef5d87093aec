import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parsePackedRefs, readPackedRefs } from '../../src/repository/packed-refs.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git, gitBytes } from '../support/git.ts';
import { initBare, makeHistory } from './history.ts';

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
    expect(readPackedRefs(directory).refs).toEqual(listByGit(directory));
  });

  test('a tag of a tag is peeled to the end', () => {
    const directory = newRepository();
    git(directory, ['tag', '-a', '-m', 'x', 'inner', 'main']);
    git(directory, ['tag', '-a', '-m', 'x', 'outer', 'inner']);
    git(directory, ['pack-refs', '--all']);
    expect(readPackedRefs(directory).get('refs/tags/outer')!.peeled).toBe(
      git(directory, ['rev-parse', 'main']),
    );
  });

  test('sha256', () => {
    const directory = temporaryDirectory();
    initBare(directory, ['--object-format=sha256']);
    makeHistory(directory, { commits: 1, files: 1 });
    git(directory, ['pack-refs', '--all']);
    expect(readPackedRefs(directory).refs).toEqual(listByGit(directory));
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
        const found = readPackedRefs(directory).refs.map((ref) => [ref.name, ref.oid]);
        expect(found).toEqual(listByGit(directory).map((ref) => [ref.name, ref.oid]));
      }),
      { numRuns: 80 },
    );
  });

  test('what is peeled is known only as far as the header says', () => {
    const lines = `${oid} refs/heads/a\n${oid} refs/tags/b\n^${'1'.repeat(40)}\n${oid} refs/tags/c\n`;
    const peeled = (header: string) => parsePackedRefs(header + lines).map((ref) => ref.peeled);
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
      expect(() => readPackedRefs(directory)).toThrow(
        expect.objectContaining({ code: 'PACKHORSE_REPOSITORY_CORRUPT' }),
      );
    }
  });
});

describe('reading it again', () => {
  test('happens only when it changed', () => {
    const directory = newRepository();
    git(directory, ['pack-refs', '--all']);
    const first = readPackedRefs(directory);
    expect(readPackedRefs(directory, first)).toBe(first);
    git(directory, ['branch', 'new', 'main~1']);
    git(directory, ['pack-refs', '--all']);
    const second = readPackedRefs(directory, first);
    expect(second.refs.map(({ name }) => name)).toEqual(['refs/heads/main', 'refs/heads/new']);
  });

  test('a rewrite of the same size is seen', () => {
    const directory = newRepository();
    const [older, newer] = git(directory, ['rev-parse', 'main~1', 'main']).split('\n');
    git(directory, ['pack-refs', '--all']);
    const first = readPackedRefs(directory);
    const text = readFile(directory);
    git(directory, ['update-ref', 'refs/heads/main', older]);
    git(directory, ['pack-refs', '--all']);
    expect(readFile(directory)).toHaveLength(text.length);
    expect(first.get('refs/heads/main')!.oid).toBe(newer);
    expect(readPackedRefs(directory, first).get('refs/heads/main')!.oid).toBe(older);
  });

  test('a file that is gone, and one that comes', () => {
    const directory = newRepository();
    const none = readPackedRefs(directory);
    expect(none.refs).toEqual([]);
    expect(readPackedRefs(directory, none)).toBe(none);
    git(directory, ['pack-refs', '--all']);
    const some = readPackedRefs(directory, none);
    expect(some.refs).toHaveLength(1);
    fs.rmSync(path.join(directory, 'packed-refs'));
    expect(readPackedRefs(directory, some).refs).toEqual([]);
  });
});
