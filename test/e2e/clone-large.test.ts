/** Clones of repositories with blobs of 80 MiB: loose, packed, and as deltas whose base is not sent. */
import { beforeAll, expect, test } from 'vitest';
import { clone, expectSameRepository } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { applySteps, blobId, type DeltaStep, storeHandmadePack } from '../support/handmade-pack.ts';
import { commitBlobs, createRepository, History, noise, packsOf } from '../support/history.ts';
import { hasPack, requestsDuring } from '../support/request-log.ts';
import { type RunningService, startService } from '../support/service.ts';

const MIB = 2 ** 20;
const root = temporaryDirectory();
let service: RunningService;
let blob: Buffer;

beforeAll(async () => {
  service = await startService(root);
  blob = noise(80 * MIB, 1);
});

async function statisticsOf(name: string, source: string) {
  const lines = await requestsDuring(service, async () =>
    expectSameRepository(source, await clone(service, name)),
  );
  return lines.find(hasPack)!.statistics;
}

test('an 80 MiB blob, loose', async () => {
  const source = createRepository(root, 'loose.git');
  const oid = git(source, ['-c', 'core.compression=0', 'hash-object', '-w', '--stdin'], { input: blob });
  commitBlobs(source, 'main', { big: oid });
  expect(packsOf(source)).toEqual([]);
  const { objects, bytes } = await statisticsOf('loose.git', source);
  expect(objects).toMatchObject({ total: 3, deflated: 3 });
  expect(bytes.total).toBeGreaterThan(80 * MIB);
});

test('an 80 MiB blob, packed', async () => {
  const source = createRepository(root, 'packed.git');
  const history = new History();
  history.commit({ branch: 'main', files: { big: blob } });
  history.importInto(source);
  const { objects } = await statisticsOf('packed.git', source);
  expect(objects).toMatchObject({ total: 3, deflated: 0 });
});

test('an 80 MiB blob that is a delta of a delta of what is not sent', async () => {
  const source = createRepository(root, 'deltas.git');
  const steps: DeltaStep[] = [
    { copy: [0, 40 * MIB] },
    { insert: noise(100_000, 2) },
    { copy: [50 * MIB, 30 * MIB] },
    { copy: [0, 10 * MIB + 1] },
  ];
  const middle = applySteps(blob, steps);
  const tip = applySteps(middle, steps);
  storeHandmadePack(source, [
    { base: blobId(middle), baseSize: middle.length, steps },
    { base: blobId(blob), baseSize: blob.length, steps },
    { type: 'blob', data: blob },
  ]);
  commitBlobs(source, 'main', { tip: blobId(tip) });
  const { objects } = await statisticsOf('deltas.git', source);
  expect(objects).toMatchObject({ total: 3, deflated: 3 });
});
