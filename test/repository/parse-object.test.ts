import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { OBJECT_FORMATS, TYPE_NAMES } from '../../src/repository/object-format.ts';
import { forEachTreeEntry, parseCommit, parseTag } from '../../src/repository/parse-object.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git, gitBytes } from '../support/git.ts';
import { expectCorrupt, unlessCorrupt } from './corrupt.ts';
import { initBare, makeHistory } from './history.ts';

const { sha1 } = OBJECT_FORMATS;
const directory = temporaryDirectory();
let tree: string;
let parent: string;

beforeAll(() => {
  initBare(directory);
  makeHistory(directory, { commits: 3, files: 2 });
  [parent, tree] = git(directory, ['rev-parse', 'main', 'main^{tree}']).split('\n');
});

/** Stores bytes as an object of any form. */
function store(type: string, data: Buffer): string {
  return git(directory, ['hash-object', '-w', '--literally', '-t', type, '--stdin'], { input: data });
}

/** Tree, parents and committer time of a commit, by git. */
function commitByGit(oid: string) {
  const [treeId, parents, date] = git(directory, ['log', '-1', '--format=%T%n%P%n%ct', oid]).split('\n');
  return { tree: treeId, parents: parents === '' ? [] : parents.split(' '), date: Number(date) };
}

function commitByUs(data: Buffer) {
  const commit = parseCommit(data, sha1);
  return {
    tree: commit.tree.toString('hex'),
    parents: commit.parents.map((id) => id.toString('hex')),
    date: commit.date,
  };
}

describe('commits', () => {
  const header = (parents: readonly string[], ...more: string[]) =>
    [`tree ${tree}`, ...parents.map((id) => `parent ${id}`), ...more].join('\n');
  const who = 'A <a@b> 1700000000 +0000';

  test.each([
    ['no parent', () => [], [`author ${who}`, `committer ${who}`]],
    ['one parent', () => [parent], [`author ${who}`, `committer ${who}`]],
    ['many parents', () => Array<string>(20).fill(parent), [`author ${who}`, `committer ${who}`]],
    ['an author of another time', () => [parent], ['author A <a@b> 1 +0000', `committer ${who}`]],
    [
      'a signature',
      () => [parent],
      [`author ${who}`, `committer ${who}`, 'gpgsig -----BEGIN', ' committer X <x> 5 +0'],
    ],
    ['an encoding', () => [parent], [`author ${who}`, `committer ${who}`, 'encoding ISO-8859-1']],
    ['brackets in the name', () => [parent], [`author ${who}`, 'committer A > B < <a> 17 +0100']],
    ['no name', () => [parent], [`author ${who}`, 'committer <> 18 -1200']],
    ['letters beyond ASCII', () => [parent], [`author ${who}`, 'committer Ä€𝄞 <ä@€> 19 +0000']],
    ['a time of long ago', () => [parent], [`author ${who}`, 'committer A <a> 0 +0000']],
    ['a time far ahead', () => [parent], [`author ${who}`, 'committer A <a> 99999999999 +0000']],
    ['no time', () => [parent], [`author ${who}`, 'committer A <a>']],
  ])('with %s read as git reads them', (_, parents, lines) => {
    const data = Buffer.from(`${header(parents(), ...lines)}\n\nmessage\ncommitter M <m> 3 +0000\n`);
    const expected = commitByGit(store('commit', data));
    expect(commitByUs(data)).toEqual({ ...expected, parents: parents(), date: expected.date });
  });

  test('of a whole history, in both formats', () => {
    for (const format of Object.values(OBJECT_FORMATS)) {
      const repository = temporaryDirectory();
      initBare(repository, [`--object-format=${format.name}`]);
      makeHistory(repository, { commits: 30, files: 1 });
      const rows = git(repository, ['log', '--format=%H %T %ct %P']).split('\n');
      for (const row of rows) {
        const [oid, treeId, date, ...parents] = row.split(' ');
        const commit = parseCommit(gitBytes(repository, ['cat-file', 'commit', oid]), format);
        expect(commit.tree.toString('hex')).toBe(treeId);
        expect(commit.parents.map((id) => id.toString('hex'))).toEqual(parents.filter((id) => id !== ''));
        expect(commit.date).toBe(Number(date));
      }
    }
  });

  test('that are none are corrupt', () => {
    for (const text of [
      '',
      'tree',
      'tree ',
      `tree ${'x'.repeat(40)}\n`,
      ` tree ${tree}\n`,
      `tree ${tree.slice(1)}\n`,
    ]) {
      expectCorrupt(() => parseCommit(Buffer.from(text), sha1));
    }
    expectCorrupt(() => parseCommit(Buffer.from(`tree ${tree}\nparent ${parent.slice(2)}\n`), sha1));
    expectCorrupt(() => parseCommit(Buffer.from(`tree ${tree}\nparent `), sha1));
    expectCorrupt(() => parseCommit(Buffer.from(`tree ${tree}\n`), OBJECT_FORMATS.sha256));
  });

  test('made of anything are read or corrupt', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(120), (noise, keep) => {
        const sound = Buffer.from(`tree ${tree}\nparent ${parent}\ncommitter A <a> 1 +0000\n`);
        unlessCorrupt(() => parseCommit(Buffer.concat([sound.subarray(0, keep), noise]), sha1));
      }),
    );
  });
});

describe('tags', () => {
  test.each(['commit', 'tree', 'blob', 'tag'])('of a %s', (type) => {
    git(directory, ['tag', '-f', '-a', '-m', 'a tag', 'inner', 'main']);
    const name = { commit: 'main', tree: 'main^{tree}', blob: 'main:directory-0/file-0.txt', tag: 'inner' }[
      type
    ]!;
    const oid = git(directory, ['rev-parse', name]);
    git(directory, ['tag', '-f', '-a', '-m', `${'long '.repeat(100)}`, 'outer', name]);
    const tag = parseTag(gitBytes(directory, ['cat-file', 'tag', 'outer']), sha1);
    expect([tag.target.toString('hex'), TYPE_NAMES[tag.type]]).toEqual([oid, type]);
  });

  test('that are none are corrupt', () => {
    const oid = '1'.repeat(40);
    for (const text of [
      '',
      `object ${oid}\n`,
      `object ${oid}\ntype commit`,
      `object ${oid}\ntype thing\n`,
      `object ${oid.slice(1)}\ntype commit\n`,
      `object ${oid}1\ntype commit\n`,
      `type commit\nobject ${oid}\n`,
      `object ${oid.replaceAll('1', 'x')}\ntype commit\n`,
      `\nobject ${oid}\ntype commit\n`,
    ]) {
      expectCorrupt(() => parseTag(Buffer.from(text), sha1));
    }
  });
});

describe('trees', () => {
  function entriesOf(data: Buffer, hash = 20) {
    const entries: { kind: string; name: string; oid: string }[] = [];
    forEachTreeEntry(data, hash, (kind, name, id) => {
      entries.push({
        kind,
        // The name ends before the NUL that stands before the id.
        name: data.toString('latin1', name, id - 1),
        oid: data.toString('hex', id, id + hash),
      });
    });
    return entries;
  }

  /** By `git ls-tree`, which calls a gitlink a commit. */
  function entriesByGit(repository: string, oid: string) {
    const rows = gitBytes(repository, ['ls-tree', '-z', oid]).toString('latin1').split('\0').slice(0, -1);
    return rows.map((row) => {
      const [, type, id, name] = /^\d+ (\w+) ([0-9a-f]+)\t(.*)$/s.exec(row)!;
      return { kind: type === 'commit' ? 'gitlink' : type, name, oid: id };
    });
  }

  test('with every mode and odd names read as git reads them', () => {
    const work = temporaryDirectory();
    git(work, ['init', '--quiet']);
    fs.mkdirSync(path.join(work, 'directory'));
    for (const name of ['a', 'a b', 'ä', 'new\nline', '40000 x', '160000', 'directory/in', 'a.b', 'a0']) {
      fs.writeFileSync(path.join(work, name), name);
    }
    fs.writeFileSync(Buffer.concat([Buffer.from(`${work}/`), Buffer.from([0xff, 0xfe])]), 'not UTF-8');
    fs.writeFileSync(path.join(work, 'run'), '', { mode: 0o755 });
    fs.symlinkSync('a', path.join(work, 'link'));
    git(work, ['add', '-A']);
    git(work, ['update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},module`]);
    const oid = git(work, ['write-tree']);
    const expected = entriesByGit(work, oid);
    expect(expected).toHaveLength(13);
    expect(entriesOf(gitBytes(work, ['cat-file', 'tree', oid]))).toEqual(expected);
  });

  test.each(['40000', '040000', '100644', '100664', '100755', '120000', '160000', '0100644'])(
    'mode %s is of the kind that git says',
    (mode) => {
      const data = Buffer.concat([Buffer.from(`${mode} name\0`), Buffer.from(tree, 'hex')]);
      expect(entriesOf(data)).toEqual(entriesByGit(directory, store('tree', data)));
    },
  );

  test('of a repository with sha256', () => {
    const repository = temporaryDirectory();
    initBare(repository, ['--object-format=sha256']);
    makeHistory(repository, { commits: 1, files: 7 });
    const data = gitBytes(repository, ['cat-file', 'tree', 'main^{tree}']);
    expect(entriesOf(data, 32)).toEqual(entriesByGit(repository, 'main^{tree}'));
  });

  test('cut short anywhere are corrupt, but for cuts between entries', () => {
    const data = gitBytes(directory, ['cat-file', 'tree', tree]);
    const ends = new Set([0]);
    forEachTreeEntry(data, 20, (_kind, _name, id) => ends.add(id + 20));
    for (let length = 0; length < data.length; length++) {
      const read = () => entriesOf(data.subarray(0, length));
      if (ends.has(length)) read();
      else expectCorrupt(read);
    }
  });

  test('made of anything are read or corrupt', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 60 }),
        (data) => void unlessCorrupt(() => entriesOf(Buffer.from(data))),
      ),
    );
  });

  test('the empty one has no entries', () => {
    expect(entriesOf(Buffer.alloc(0))).toEqual([]);
  });
});
