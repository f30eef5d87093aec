/** What is kept of a repository is found by all threads and after a restart, and by no other repository. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { cancelled } from '../../../src/errors.ts';
import { listEntries, purgeEntries } from '../../../src/store/entries/entry-directories.ts';
import { temporaryDirectory } from '../../support/directory.ts';
import { beginPack, bytesIn, find, form, keepAll, MIB, makeEntry, openStore, segmentsIn } from './entries.ts';

const ENTRIES = [100, 1000, 70_000, 300_000, 3_000_000, 64].map(makeEntry);

/** A cache directory in which the entries are kept of a repository, written by one thread. */
async function keepEntries(repository = temporaryDirectory()) {
  const cache = temporaryDirectory();
  const store = openStore(cache);
  const { pack } = await beginPack(store, repository);
  keepAll(pack, ENTRIES);
  pack.close();
  return { cache, repository, store };
}

test('what one pack kept the next one finds, in this thread, in another, and after a restart', async () => {
  const { cache, repository, store } = await keepEntries();
  const other = openStore(cache);
  for (const each of [store, other]) {
    const { pack } = await beginPack(each, repository);
    for (const entry of ENTRIES) expect(find(pack, entry)?.equals(entry.entry)).toBe(true);
    expect(find(pack, makeEntry(1000, 9))).toBeUndefined();
    pack.close();
    each.close();
  }
});

test('what another thread adds later is found by the packs that begin then', async () => {
  const { cache, repository, store } = await keepEntries();
  const other = openStore(cache);
  const later = Array.from({ length: 500 }, (_, i) => makeEntry(500, 1000 + i));
  const first = (await beginPack(other, repository)).pack;
  const { pack } = await beginPack(store, repository);
  keepAll(pack, later);
  pack.close();
  const second = (await beginPack(other, repository)).pack;
  for (const entry of later) expect(find(second, entry)?.equals(entry.entry)).toBe(true);
  first.close();
  second.close();
});

test('neither tiny nor huge content is kept, nor any that is not what its id says', async () => {
  const { cache, repository, store } = await keepEntries();
  const before = bytesIn(cache);
  const [some, other] = [makeEntry(5000, 1), makeEntry(5000, 2)];
  const { pack } = await beginPack(store, repository);
  keepAll(pack, [makeEntry(63, 1), makeEntry(4 * MIB + 1, 1), { ...some, oid: other.oid }]);
  pack.close();
  expect(bytesIn(cache)).toBe(before);
});

test('another repository, level or hash function has entries of its own', async () => {
  const { repository, store } = await keepEntries();
  for (const [directory, rest] of [
    [temporaryDirectory(), {}],
    [repository, { level: 9 }],
    [repository, { hash: 'sha256' }],
  ] as const) {
    const { pack } = await beginPack(store, directory, rest);
    expect(find(pack, ENTRIES[0])).toBeUndefined();
    pack.close();
  }
});

test('a repository that takes the place of another under its path begins anew', async () => {
  const repository = path.join(temporaryDirectory(), 'some.git');
  fs.mkdirSync(repository);
  const { store } = await keepEntries(repository);
  fs.renameSync(repository, `${repository}.old`);
  fs.mkdirSync(repository);
  const { pack } = await beginPack(store, repository);
  expect(find(pack, ENTRIES[0])).toBeUndefined();
  pack.close();
});

test('what is kept can be listed, and removed, under a thread that uses it', async () => {
  const { cache, repository, store } = await keepEntries();
  expect(await listEntries(cache)).toEqual([{ repository, bytes: bytesIn(cache) }]);
  const using = (await beginPack(store, repository)).pack;
  expect(await purgeEntries(cache, temporaryDirectory())).toBe(0);
  expect(await purgeEntries(cache, repository)).toBeGreaterThan(3_000_000);
  expect(fs.readdirSync(path.join(cache, 'entries'))).toEqual([]);
  // It was there when this pack began.
  expect(find(using, ENTRIES[3])?.equals(ENTRIES[3].entry)).toBe(true);
  using.close();
  const { pack } = await beginPack(store, repository);
  expect(find(pack, ENTRIES[3])).toBeUndefined();
  keepAll(pack, [ENTRIES[3]]);
  pack.close();
  const next = await beginPack(openStore(cache), repository);
  expect(find(next.pack, ENTRIES[3])?.equals(ENTRIES[3].entry)).toBe(true);
});

test('a repository that is not used is closed, and opened again', async () => {
  const { repository, store } = await keepEntries();
  const open = () => fs.readdirSync('/proc/self/fd').filter((fd) => isSegment(fd)).length;
  const before = open();
  store.closeIdle();
  store.closeIdle();
  expect(open()).toBe(before - 1);
  const { pack } = await beginPack(store, repository);
  expect(find(pack, ENTRIES[0])?.equals(ENTRIES[0].entry)).toBe(true);
  store.closeIdle();
  store.closeIdle();
  // A pack in the making keeps it open.
  expect(find(pack, ENTRIES[1])?.equals(ENTRIES[1].entry)).toBe(true);
  pack.close();
});

function isSegment(fd: string): boolean {
  try {
    return fs.readlinkSync(`/proc/self/fd/${fd}`).endsWith('.entries');
  } catch {
    return false;
  }
}

test('a disk that fails turns the store off for a minute, and no pack notices', async () => {
  const cache = temporaryDirectory();
  const repository = temporaryDirectory();
  let now = 1000;
  const store = openStore(cache, { now: () => now });
  fs.writeFileSync(path.join(cache, 'entries'), 'in the way');
  const { pack, faults } = await beginPack(store, repository);
  keepAll(pack, ENTRIES);
  pack.close();
  expect(faults).toEqual([`${path.join(cache, 'entries')}: mkdir failed: ENOTDIR`]);
  expect(store.isOff).toBe(true);
  expect((await beginPack(store, repository)).pack).toBeUndefined();
  fs.rmSync(path.join(cache, 'entries'));
  now += 60_000;
  const again = await beginPack(store, repository);
  keepAll(again.pack, ENTRIES);
  again.pack.close();
  expect(again.faults).toEqual([]);
  expect(segmentsIn(cache)).toHaveLength(1);
});

test('a task that is cancelled while it looks at what is kept ends, and leaves the store as it is', async () => {
  const { cache, repository } = await keepEntries();
  const store = openStore(cache);
  const gone = store.open(
    form(repository),
    () => {},
    () => Promise.reject(cancelled()),
  );
  await expect(gone).rejects.toMatchObject({ code: 'PACKHORSE_CANCELLED' });
  expect(store.isOff).toBe(false);
  const { pack } = await beginPack(store, repository);
  expect(find(pack, ENTRIES[0])?.equals(ENTRIES[0].entry)).toBe(true);
  pack.close();
  store.closeIdle();
  store.closeIdle();
});
