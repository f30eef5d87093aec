/** Clones and fetches from repositories with multi-pack-indexes, sound and not. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { clone, expectSameHistory, expectSameRepository, gitIn, storedObjects } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { copyFixture, expectedObjects, FIXTURE_NAMES } from '../support/fixtures.ts';
import { fsck, git, reachableObjects } from '../support/git.ts';
import { addCommit, createRepository, History, packsOf } from '../support/history.ts';
import { addPack, damage, removePacks } from '../support/packs.ts';
import { type RunningService, startService } from '../support/service.ts';

const root = temporaryDirectory();
let service: RunningService;

beforeAll(async () => {
  service = await startService(root);
});

/** Five packs with copies of one another's objects. */
function createPacks(name: string): string {
  const source = createRepository(root, name);
  const text = (n: number) => Array.from({ length: 60 }, (_, i) => `line ${i} of ${n - (i % 9)}\n`).join('');
  for (let k = 0; k < 3; k++) {
    const history = new History(k * 10);
    for (let n = 0; n < 10; n++) {
      history.commit({
        branch: 'main',
        files: { 'text.txt': text(k * 10 + n), [`own/${k}`]: `${n}` },
        from: n === 0 && k > 0 ? 'refs/heads/main^0' : '',
      });
    }
    history.importInto(source);
  }
  const all = reachableObjects(source);
  addPack(
    source,
    all.filter((_, i) => i % 3 > 0),
    ['--window=20'],
  );
  addPack(
    source,
    all.filter((_, i) => i % 4 > 0),
    ['--no-reuse-delta', '--window=5'],
  );
  return source;
}

async function expectClone(source: string): Promise<void> {
  expectSameRepository(source, await clone(service, path.basename(source)));
}

test.each(FIXTURE_NAMES)('%s', async (name) => {
  const mirror = await clone(service, path.basename(copyFixture(root, name)));
  fsck(mirror);
  expect(storedObjects(mirror)).toEqual(expectedObjects(name));
});

test('an index of all packs, of some, with objects that came later, and with a new one', async () => {
  const source = createPacks('grown.git');
  expect(packsOf(source)).toHaveLength(5);
  git(source, ['multi-pack-index', 'write']);
  const mirror = await clone(service, 'grown.git');
  expectSameRepository(source, mirror);
  addCommit(source, 'main', { loose: 'loose\n' });
  await expectClone(source);
  git(source, ['repack', '-dq']);
  await gitIn(mirror, ['fetch', '--quiet']);
  expectSameHistory(source, mirror);
  await expectClone(source);
  const preferred = packsOf(source)[3];
  fs.rmSync(path.join(source, 'objects/pack/multi-pack-index'));
  git(source, ['multi-pack-index', 'write', `--preferred-pack=${preferred}.pack`]);
  addCommit(source, 'main', { loose: 'loose again\n' });
  await gitIn(mirror, ['fetch', '--quiet']);
  expectSameHistory(source, mirror);
  git(source, ['repack', '-adq', '--write-midx']);
  await expectClone(source);
});

test('indexes of a repository and of one that it borrows from', async () => {
  const lender = createPacks('lender.git');
  git(lender, ['multi-pack-index', 'write']);
  git(root, ['clone', '--quiet', '--bare', '--shared', lender, 'borrower.git']);
  const borrower = path.join(root, 'borrower.git');
  addCommit(borrower, 'main', { own: 'own\n' });
  git(borrower, ['repack', '-dq']);
  addPack(borrower, reachableObjects(lender).slice(0, 50));
  git(borrower, ['multi-pack-index', 'write']);
  await expectClone(borrower);
});

test('a pack of the index is gone', async () => {
  const source = createPacks('stale.git');
  const all = reachableObjects(source);
  const whole = addPack(source, all);
  git(source, ['multi-pack-index', 'write']);
  removePacks(
    source,
    packsOf(source).filter((pack) => pack !== whole),
  );
  const mirror = await clone(service, 'stale.git');
  fsck(mirror);
  expect(storedObjects(mirror)).toEqual(all);
});

test('the index is damaged, or cut short', async () => {
  const source = createPacks('damaged.git');
  git(source, ['multi-pack-index', 'write']);
  const all = reachableObjects(source);
  const index = path.join(source, 'objects/pack/multi-pack-index');
  const { size } = fs.statSync(index);
  const breaks = [
    () => damage(index, size - 200),
    () => fs.truncateSync(index, size / 2),
    () => fs.truncateSync(index, 0),
  ];
  for (const breakIt of breaks) {
    breakIt();
    const mirror = await clone(service, 'damaged.git');
    fsck(mirror);
    expect(storedObjects(mirror)).toEqual(all);
  }
});
