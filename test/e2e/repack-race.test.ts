/** Repositories that change on disk while a clone is in flight. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { clone, expectSameRepository } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { addCommit, packsOf } from '../support/history.ts';
import { createLarge, LARGE_PACK_BYTES } from '../support/large.ts';
import { packFile } from '../support/packs.ts';
import { cloneRequest, repositoryFromPack, startFetch } from '../support/raw-client.ts';
import { metricBecomes } from '../support/request-log.ts';
import { parseFetchAnswer } from '../support/requests.ts';
import { type RunningService, startService } from '../support/service.ts';

const root = temporaryDirectory();
const other = 'other.git';
let service: RunningService;

beforeAll(async () => {
  // One worker: whatever harms it harms everyone.
  service = await startService(root, ['--workers', '1']);
  createLarge(root, other);
});

/** Starts a clone and has `change` happen while most of the pack is still to be made. */
async function cloneDuring(source: string, change: () => void | Promise<void>): Promise<Buffer> {
  const fetch = await startFetch(service, path.basename(source), cloneRequest(source));
  // The sockets are full, and most of the pack is not made yet.
  await metricBecomes(service, 'packhorse_stream_inflight_bytes', (bytes) => bytes > 0);
  await change();
  return fetch.finish();
}

/** What a clone received, as a repository. */
function received(body: Buffer, source: string): string {
  const answer = parseFetchAnswer(body);
  expect(answer).toMatchObject({ error: '', complete: true });
  expect(answer.pack.length).toBeGreaterThan(LARGE_PACK_BYTES);
  return repositoryFromPack(path.join(temporaryDirectory(), 'received'), answer.pack, source);
}

test('a repack takes the pack away that is being sent', async () => {
  const source = createLarge(root, 'repacked.git');
  const body = await cloneDuring(source, () => {
    const [before] = packsOf(source);
    git(source, ['-c', 'pack.compression=0', 'repack', '-adf', '--quiet', '--window=0']);
    expect(fs.existsSync(packFile(source, before))).toBe(false);
  });
  expectSameRepository(source, received(body, source));
  // The worker lets go of the old pack and serves the new one.
  expectSameRepository(source, await clone(service, 'repacked.git'));
});

test('a repack under another fetch: one worker has two generations of packs open', async () => {
  const source = createLarge(root, 'generations.git');
  let second = '';
  const body = await cloneDuring(source, async () => {
    addCommit(source, 'main', { new: 'new\n' });
    git(source, ['-c', 'pack.compression=0', 'repack', '-ad', '--quiet', '--window=0']);
    second = await clone(service, 'generations.git');
  });
  expectSameRepository(source, second);
  git(source, ['update-ref', 'refs/heads/main', 'main~1']);
  const { pack } = parseFetchAnswer(body);
  const first = repositoryFromPack(path.join(temporaryDirectory(), 'received'), pack, source);
  expectSameRepository(source, first);
});

test('a repack takes loose objects away that are still to be sent', async () => {
  const source = createLarge(root, 'loose.git', true);
  expect(packsOf(source)).toEqual([]);
  const body = await cloneDuring(source, () => {
    git(source, ['-c', 'pack.compression=0', 'repack', '-ad', '--quiet', '--window=0']);
    expect(git(source, ['count-objects'])).toMatch(/^0 objects/);
  });
  expectSameRepository(source, received(body, source));
});

test('objects that are pruned in mid-clone: a failure on band 3, no valid pack, and others are served', async () => {
  const source = createLarge(root, 'deleted-loose.git', true);
  const body = await cloneDuring(source, () => fs.rmSync(source, { recursive: true }));
  const answer = parseFetchAnswer(body);
  expect(answer.error).toMatch(/^unable to read [0-9a-f]{40}/);
  expect(answer.complete).toBe(false);
  expect(() => git(path.join(root, other), ['index-pack', '--stdin'], { input: answer.pack })).toThrow();
  const line = await service.logged(
    ({ repository, outcome }) => repository === 'deleted-loose.git' && outcome !== undefined,
  );
  expect(line).toMatchObject({ outcome: 'error', error: { code: 'PACKHORSE_OBJECT_MISSING' } });
  expectSameRepository(path.join(root, other), await clone(service, other));
});

test('a packed repository that is deleted in mid-clone is sent to its end', async () => {
  const source = createLarge(root, 'deleted.git');
  const copy = path.join(temporaryDirectory(), 'copy.git');
  fs.cpSync(source, copy, { recursive: true });
  const body = await cloneDuring(source, () => fs.rmSync(source, { recursive: true }));
  expectSameRepository(copy, received(body, copy));
  await expect(clone(service, 'deleted.git')).rejects.toThrow(/not found/);
  expectSameRepository(path.join(root, other), await clone(service, other));
});

test('another repository takes the place of one that was served', async () => {
  const source = createLarge(root, 'replaced.git');
  await clone(service, 'replaced.git');
  fs.rmSync(source, { recursive: true });
  fs.cpSync(path.join(root, 'generations.git'), source, { recursive: true });
  expectSameRepository(source, await clone(service, 'replaced.git'));
});
