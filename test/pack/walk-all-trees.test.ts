/** All that trees reach, in histories stored in every way git knows: as a plain walk finds it. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { Pace } from '../../src/pack/pace.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git, gitBytes } from '../support/git.ts';
import { createRepository, History, random, unpackAll } from '../support/history.ts';
import { addPack, storedEntries } from '../support/packs.ts';
import { open, plainWalk, walk } from './tree-walks.ts';

const root = temporaryDirectory();

/** Directories in directories with many files, of which each commit changes a few. */
function importHistory(directory: string, first: number, end: number, hash = 'sha1'): void {
  const next = random(first + 1);
  const pick = (below: number) => Math.floor(next() * below);
  const history = new History(first);
  const name = () => `d${pick(3)}/s${pick(2)}/file-${pick(25)}`;
  for (let n = first; n < end; n++) {
    const files: Record<string, string | null> = {};
    if (n === 0) {
      for (let i = 0; i < 150; i++) files[`d${i % 3}/s${i % 2}/file-${i % 25}`] = `first ${i}`;
      for (let i = 0; i < 30; i++) files[`top-${i}`] = `top ${i}`;
    }
    for (let i = pick(3); i >= 0; i--) files[name()] = `${n} ${pick(4)}`;
    if (pick(4) === 0) files[name()] = null;
    if (pick(4) === 0) files[`top-${pick(40)}`] = `${pick(5)}`;
    if (pick(9) === 0) files[`d${pick(3)}/new-${n}/file`] = 'first 1';
    const submodules: Record<string, string> =
      pick(6) === 0 ? { [`d${pick(3)}/link`]: createHash(hash).update(`${n}`).digest('hex') } : {};
    const from = n === first && n > 0 ? { from: 'refs/heads/main^0' } : {};
    history.commit({ branch: 'main', files, submodules, ...from });
  }
  history.importInto(directory);
}

const DEEP = ['repack', '-adfq', '--window=50', '--depth=50'];
const COMMITS = 60;

/** How the objects are stored, and how deep chains of tree deltas become at least. */
const STORED: Record<string, { depth: number; flags?: string[]; create: (directory: string) => void }> = {
  'one pack of long chains': {
    depth: 20,
    create: (directory) => {
      importHistory(directory, 0, COMMITS);
      git(directory, DEEP);
    },
  },
  'SHA-256': {
    depth: 20,
    flags: ['--object-format=sha256'],
    create: (directory) => {
      importHistory(directory, 0, COMMITS, 'sha256');
      git(directory, DEEP);
    },
  },
  'bases named by their id': {
    depth: 20,
    create: (directory) => {
      importHistory(directory, 0, COMMITS);
      git(directory, ['-c', 'repack.useDeltaBaseOffset=false', ...DEEP]);
    },
  },
  'packs that hold some objects twice': {
    depth: 3,
    create: (directory) => {
      importHistory(directory, 0, COMMITS);
      git(directory, DEEP);
      const oids = storedEntries(directory).map(({ oid }) => oid);
      for (const part of [3, 2]) {
        addPack(
          directory,
          oids.filter((_, i) => i % part > 0),
          ['--no-reuse-delta', '--window=20'],
        );
      }
    },
  },
  'a pack of deltas against another, made whole': {
    depth: 3,
    create: (directory) => {
      importHistory(directory, 0, COMMITS / 2);
      git(directory, DEEP);
      const old = git(directory, ['rev-parse', 'main']);
      const other = createRepository(root, 'other.git');
      git(other, ['fetch', '-q', directory, 'main:main']);
      importHistory(other, COMMITS / 2, COMMITS);
      const input = `main\n^${old}\n`;
      const thin = gitBytes(other, ['pack-objects', '--revs', '--thin', '--stdout', '-q'], { input });
      git(directory, ['index-pack', '--fix-thin', '--stdin'], { input: thin });
      git(directory, ['update-ref', 'refs/heads/main', git(other, ['rev-parse', 'main'])]);
    },
  },
  'loose objects beside a pack': {
    depth: 3,
    create: (directory) => {
      importHistory(directory, 0, COMMITS / 2);
      const packed = storedEntries(directory).map(({ oid }) => oid);
      unpackAll(directory);
      addPack(
        directory,
        packed.filter((_, i) => i % 3 > 0),
      );
      importHistory(directory, COMMITS / 2, COMMITS);
    },
  },
};

describe.each(Object.entries(STORED))('%s', (name, { depth, flags, create }) => {
  it('gives what a plain walk gives, from any roots', async () => {
    const directory = createRepository(root, `${name.replaceAll(' ', '-')}.git`, flags);
    create(directory);
    const isDeepTree = (entry: { type: string; depth: number }) =>
      entry.type === 'tree' && entry.depth >= depth;
    expect(storedEntries(directory).some(isDeepTree)).toBe(true);
    const trees = git(directory, ['log', '--format=%T', 'main']).split('\n');
    expect(trees).toHaveLength(COMMITS);
    const subtrees = trees.flatMap((tree) =>
      git(directory, ['rev-parse', `${tree}:d0`, `${tree}:d1/s1`]).split('\n'),
    );
    const all = [...trees, ...subtrees];
    expect(await walk(open(directory), trees)).toEqual(plainWalk(open(directory), trees));
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.nat(all.length - 1), { minLength: 1, maxLength: 40 }),
        async (picks) => {
          const roots = picks.map((i) => all[i]);
          expect(await walk(open(directory), roots)).toEqual(plainWalk(open(directory), roots));
        },
      ),
      { numRuns: 20 },
    );
  }, 120_000);
});

test('a walk ends when its task is cancelled', async () => {
  const directory = createRepository(root, 'cancelled.git');
  importHistory(directory, 0, 200);
  git(directory, DEEP);
  const pace = new Pace();
  const walking = walk(open(directory), git(directory, ['log', '--format=%T', 'main']).split('\n'), pace);
  pace.cancel();
  await expect(walking).rejects.toMatchObject({ code: 'PACKHORSE_CANCELLED' });
});
