/** Clones of repositories that store their objects in every way git knows. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { clone, expectSameRepository } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git, reachableObjects } from '../support/git.ts';
import { applySteps, blobId, type DeltaStep, storeHandmadePack } from '../support/handmade-pack.ts';
import { commitBlobs, createRepository, History, noise, packsOf, unpackAll } from '../support/history.ts';
import { addPack, entriesOf, packFile, storedEntries } from '../support/packs.ts';
import { hasPack, requestsDuring } from '../support/request-log.ts';
import { type RunningService, startService } from '../support/service.ts';

const root = temporaryDirectory();
let service: RunningService;

beforeAll(async () => {
  service = await startService(root);
});

async function expectClone(name: string): Promise<string> {
  const mirror = await clone(service, name);
  expectSameRepository(path.join(root, name), mirror);
  return mirror;
}

/** The statistics of a clone, which is compared as well. */
async function statisticsOf(name: string) {
  const lines = await requestsDuring(service, () => expectClone(name));
  return lines.find(hasPack)!.statistics;
}

/** A text of which every version differs from the next in one line: git makes a chain of deltas of them. */
function version(n: number, lines = 200): string {
  const line = (i: number) => noise(30, 1000 * i + Math.floor((n + lines - i) / lines)).toString('hex');
  return Array.from({ length: lines }, (_, i) => `${line(i)}\n`).join('');
}

/** 60 versions of one file. */
function createDeltas(name: string, flags: readonly string[] = []): string {
  const source = createRepository(root, name, flags);
  const history = new History();
  for (let n = 0; n < 60; n++) history.commit({ branch: 'main', files: { 'text.txt': version(n) } });
  history.importInto(source);
  return source;
}

const DEEP = ['repack', '-adf', '--depth=250', '--window=50', '--quiet'];

test('10,000 loose objects', async () => {
  const source = createRepository(root, 'loose.git');
  const history = new History();
  for (let n = 0; n < 100; n++) {
    const files = Object.fromEntries(
      Array.from({ length: 98 }, (_, i) => [`d${n % 10}/${n}-${i}`, `${n} ${i}`]),
    );
    history.commit({ branch: 'main', files });
  }
  history.importInto(source);
  unpackAll(source);
  expect(packsOf(source)).toEqual([]);
  expect(reachableObjects(source).length).toBeGreaterThan(10_000);
  const { objects } = await statisticsOf('loose.git');
  expect(objects.deflated).toBe(objects.total);
});

test('one pack of some thousand objects: stored bytes are sent as they lie', async () => {
  const source = createRepository(root, 'packed.git');
  const history = new History();
  for (let n = 0; n < 1500; n++) {
    history.commit({
      branch: n % 10 === 9 ? `b${n % 7}` : 'main',
      files: { [`d${n % 20}/f${n % 50}`]: version(n, 30), note: `${n}` },
      from: n % 10 === 9 ? `:${n}` : '',
    });
  }
  history.importInto(source);
  git(source, ['repack', '-adf', '--quiet']);
  expect(packsOf(source)).toHaveLength(1);
  const { objects, bytes } = await statisticsOf('packed.git');
  expect(objects.total).toBeGreaterThan(5000);
  expect(objects.verbatim).toBe(objects.total);
  const [pack] = packsOf(source);
  expect(bytes.total).toBe(fs.statSync(packFile(source, pack)).size);
});

test('dozens of packs that hold some objects more than once, and loose objects beside them', async () => {
  const source = createRepository(root, 'many-packs.git');
  for (let k = 0; k < 30; k++) {
    const history = new History(k * 10);
    for (let n = 0; n < 5; n++) {
      history.commit({
        branch: 'main',
        files: { 'text.txt': version(k * 5 + n), [`own/${k}`]: `${n}` },
        from: n === 0 && k > 0 ? 'refs/heads/main^0' : '',
      });
    }
    history.importInto(source, k % 10 === 9);
  }
  const all = reachableObjects(source);
  // The same objects again, in other packs and with other bases for their deltas.
  for (let k = 0; k < 6; k++)
    addPack(
      source,
      all.filter((_, i) => i % 6 === k || i % 5 === k),
      ['--window=5'],
    );
  addPack(source, all.slice(0, 100), ['--no-reuse-delta', '--window=50', '--depth=50']);
  expect(packsOf(source).length).toBeGreaterThan(30);
  await expectClone('many-packs.git');
});

test('chains of more than 50 deltas', async () => {
  const source = createDeltas('deep.git');
  git(source, DEEP);
  const deepest = Math.max(...storedEntries(source).map(({ depth }) => depth));
  expect(deepest).toBeGreaterThan(50);
  const { objects } = await statisticsOf('deep.git');
  expect(objects.verbatim).toBe(objects.total);
});

test('chains of REF_DELTA', async () => {
  const source = createDeltas('ref-delta.git');
  git(source, ['-c', 'repack.useDeltaBaseOffset=false', ...DEEP]);
  await expectClone('ref-delta.git');
});

test('a base that lies behind its deltas, as a push leaves it', async () => {
  const source = createRepository(root, 'fixed-thin.git');
  const base = noise(10_000, 1);
  const steps: DeltaStep[] = [{ copy: [0, 5000] }, { insert: Buffer.from('middle') }, { copy: [5000, 5000] }];
  const middle = applySteps(base, steps);
  const tip = applySteps(middle, [{ insert: Buffer.from('start') }, { copy: [100, 9000] }]);
  const pack = storeHandmadePack(source, [
    {
      base: blobId(middle),
      baseSize: middle.length,
      steps: [{ insert: Buffer.from('start') }, { copy: [100, 9000] }],
    },
    { base: blobId(base), baseSize: base.length, steps },
    { type: 'blob', data: base },
  ]);
  expect(entriesOf(source, pack).map(({ depth }) => depth)).toEqual([2, 1, 0]);
  commitBlobs(source, 'main', { base: blobId(base), middle: blobId(middle), tip: blobId(tip) });
  const { objects } = await statisticsOf('fixed-thin.git');
  expect(objects.delta).toBe(2);
});

test('the base of a delta is not sent: the object is rebuilt', async () => {
  const source = createDeltas('rebuilt.git');
  git(source, DEEP);
  // Only every third version stays reachable; the pack still holds all.
  const kept = Array.from({ length: 20 }, (_, i) => git(source, ['rev-parse', `main~${i * 3}^{tree}`]));
  const history = kept.map((tree) => git(source, ['commit-tree', '-m', tree, tree]));
  history.forEach((commit, i) => {
    git(source, ['update-ref', `refs/heads/v${i}`, commit]);
  });
  git(source, ['update-ref', '-d', 'refs/heads/main']);
  git(source, ['symbolic-ref', 'HEAD', 'refs/heads/v0']);
  const { objects } = await statisticsOf('rebuilt.git');
  expect(objects.deflated).toBeGreaterThan(20);
});

test('indexes of version 1', async () => {
  const source = createDeltas('idx1.git');
  git(source, ['-c', 'pack.indexVersion=1', ...DEEP]);
  const [pack] = packsOf(source);
  expect(fs.readFileSync(packFile(source, pack, 'idx')).readUInt32BE(0)).not.toBe(0xff744f63);
  await expectClone('idx1.git');
});

test('indexes with 64-bit offsets', async () => {
  const source = createDeltas('wide.git');
  git(source, DEEP);
  const [pack] = packsOf(source);
  const index = packFile(source, pack, 'idx');
  const small = fs.statSync(index).size;
  fs.rmSync(index);
  // All offsets but the first are wide: git takes no index where all are.
  git(source, ['index-pack', '--index-version=2,12', packFile(source, pack)]);
  expect(fs.statSync(index).size).toBe(small + 8 * (entriesOf(source, pack).length - 1));
  await expectClone('wide.git');
});

test('a pack with a reverse index, and with one that is damaged', async () => {
  const source = createDeltas('rev.git');
  git(source, ['-c', 'pack.writeReverseIndex=true', ...DEEP]);
  const [pack] = packsOf(source);
  expect(fs.existsSync(packFile(source, pack, 'rev'))).toBe(true);
  await expectClone('rev.git');
  fs.copyFileSync(packFile(source, pack, 'idx'), packFile(source, pack, 'tmp'));
  fs.renameSync(packFile(source, pack, 'tmp'), packFile(source, pack, 'rev'));
  await service.stop();
  service = await startService(root);
  await expectClone('rev.git');
});

test('a multi-pack-index, a bitmap and a commit-graph lie beside the packs', async () => {
  const source = createDeltas('beside.git');
  git(source, ['repack', '-adb', '--quiet']);
  const history = new History(1000);
  history.commit({ branch: 'main', from: 'refs/heads/main^0', files: { new: 'new\n' } });
  history.importInto(source);
  git(source, ['multi-pack-index', 'write']);
  git(source, ['commit-graph', 'write', '--reachable']);
  await expectClone('beside.git');
});

test('a cruft pack: what is in it and is reachable again is sent', async () => {
  const source = createDeltas('cruft.git');
  const tip = git(source, ['rev-parse', 'main']);
  const old = git(source, ['rev-parse', 'main~30']);
  git(source, ['update-ref', 'refs/heads/main', old]);
  git(source, ['repack', '--cruft', '-d', '--quiet']);
  const cruft = packsOf(source).filter((pack) => fs.existsSync(packFile(source, pack, 'mtimes')));
  expect(cruft).toHaveLength(1);
  await expectClone('cruft.git');
  git(source, ['update-ref', 'refs/heads/main', tip]);
  await expectClone('cruft.git');
});

test('a kept pack, a pack of promised objects, and files that are no packs', async () => {
  const source = createDeltas('kept.git');
  for (const pack of packsOf(source)) fs.writeFileSync(packFile(source, pack, 'keep'), 'kept\n');
  const directory = path.join(source, 'objects/pack');
  fs.writeFileSync(path.join(directory, 'tmp_pack_x1y2'), noise(100, 1));
  fs.writeFileSync(path.join(directory, `pack-${'0'.repeat(40)}.idx`), 'no pack beside it');
  fs.writeFileSync(path.join(source, 'objects/garbage'), 'garbage');
  await expectClone('kept.git');
});

test('a SHA-256 repository with deltas', async () => {
  const source = createDeltas('deep256.git', ['--object-format=sha256']);
  git(source, ['-c', 'repack.useDeltaBaseOffset=false', ...DEEP]);
  await expectClone('deep256.git');
  git(source, DEEP);
  await expectClone('deep256.git');
});
