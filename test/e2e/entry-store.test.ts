/** Clones of depth 1 of successive commits: what one had to make anew the next is sent again. */
import path from 'node:path';
import { expect, test } from 'vitest';
import { clone, gitIn } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { Faults } from '../support/faults.ts';
import { git } from '../support/git.ts';
import { addCommit, createRepository, History } from '../support/history.ts';
import { post } from '../support/raw-client.ts';
import { hasPack, metric, requestsDuring } from '../support/request-log.ts';
import { encodeRequest, parseFetchAnswer } from '../support/requests.ts';
import { type RunningService, startService } from '../support/service.ts';

const NAME = 'source.git';
const FILES = 200;

function text(file: number, n: number): string {
  return Array.from({ length: 80 }, (_, i) => `line ${i} of ${file}, ${i === 40 ? n : 'as it was'}\n`).join(
    '',
  );
}

/** 20 versions of every file, in deltas: a commit of the middle has nearly nothing that is stored whole. */
function createSource(root: string): string {
  const source = createRepository(root, NAME);
  const history = new History();
  for (let n = 0; n < 20; n++) {
    const files = Array.from({ length: FILES }, (_, i) => [`d${i % 9}/file${i}`, text(i, n)]);
    history.commit({ branch: 'main', files: Object.fromEntries(files) });
  }
  history.ref('refs/heads/middle', ':10');
  history.importInto(source);
  git(source, ['repack', '-adf', '--quiet', '--depth=50', '--window=20']);
  return source;
}

async function shallowClone(service: RunningService, branch: string) {
  let directory = '';
  const lines = await requestsDuring(service, async () => {
    directory = await clone(service, NAME, ['--depth=1', '--single-branch', `--branch=${branch}`]);
  });
  await gitIn(directory, ['fsck', '--strict', '--no-dangling']);
  const head = await gitIn(directory, ['rev-parse', 'HEAD']);
  return { head: head.trim(), ...lines.find(hasPack)!.statistics };
}

/** The pack of one commit as a service sends it. */
async function packOf(service: RunningService, commit: string): Promise<Buffer> {
  const request = encodeRequest('fetch', [`want ${commit}`, 'deepen 1', 'ofs-delta', 'done']);
  const { pack, error } = parseFetchAnswer((await post(service, NAME, request)).body);
  expect(error).toBe('');
  return pack;
}

test('clones of depth 1 of successive commits, with a push, a repack and a restart in between', async () => {
  const root = temporaryDirectory();
  const cache = { PACKHORSE_CACHE_DIR: temporaryDirectory() };
  const source = createSource(root);
  const flags = ['--workers', '2'];
  let service = await startService(root, flags, cache);
  const plain = await startService(root, ['--cache-size', '0']);
  const heads: string[] = [];

  const first = await shallowClone(service, 'middle');
  expect(first.objects.deflated).toBeGreaterThan(FILES / 2);
  expect(first.objects.kept).toBe(0);
  heads.push(first.head);

  addCommit(source, 'middle', { 'd3/file3': text(3, 100) });
  const second = await shallowClone(service, 'middle');
  // The commit, two trees and the file.
  expect(second.objects.deflated).toBe(4);
  expect(second.objects.kept).toBeGreaterThan(FILES / 2);
  expect(second.objects.total).toBe(first.objects.total);
  heads.push(second.head);
  const kept = await metric(service, 'packhorse_pack_objects_total{source="kept"}');
  expect(kept).toBe(second.objects.kept);
  expect(await metric(service, 'packhorse_pack_bytes_total{source="kept"}')).toBe(second.bytes.kept);

  git(source, ['repack', '-adf', '--quiet', '--depth=50', '--window=20']);
  await service.stop();
  service = await startService(root, flags, cache);
  addCommit(source, 'middle', { 'd4/file4': text(4, 100), 'd5/file5': text(5, 100) });
  const third = await shallowClone(service, 'middle');
  expect(third.objects.kept).toBeGreaterThan(third.objects.deflated);
  heads.push(third.head);

  for (const head of heads) {
    const expected = await packOf(plain, head);
    expect((await packOf(service, head)).equals(expected)).toBe(true);
  }
  expect(await metric(plain, 'packhorse_pack_objects_total{source="kept"}')).toBe(0);
  await plain.stop();
  await service.stop();
});

test('a full disk: clones are made as without a store, and a warning says so', async () => {
  const root = temporaryDirectory();
  const source = createSource(root);
  const cache = temporaryDirectory();
  const faults = new Faults();
  faults.set({ name: 'full', calls: ['writev'], path: '\\.entries$', action: 'ENOSPC' });
  const service = await startService(root, ['--workers', '1'], {
    ...faults.environment,
    PACKHORSE_CACHE_DIR: cache,
  });
  for (const branch of ['middle', 'main']) {
    const { head, objects } = await shallowClone(service, branch);
    expect(head).toBe(git(source, ['rev-parse', branch]));
    expect(objects.kept).toBe(0);
  }
  expect(faults.struck('full')).toBe(1);
  expect(await metric(service, 'packhorse_index_ignored_total{kind="entries"}')).toBe(1);
  const warning = await service.logged(({ level, msg }) => level === 40 && msg.includes('ignored'));
  expect(warning).toMatchObject({ file: `${path.join(cache, 'entries')}: writev failed: ENOSPC` });
  await service.stop();
});
