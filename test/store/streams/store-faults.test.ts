/** A disk that fails, or is full: nobody who reads what is written is the worse for it, and the store turns off. */
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { temporaryDirectory } from '../../support/directory.ts';
import { type Fault, Faults } from '../../support/faults.ts';
import {
  BLOCK,
  contentOf,
  filesOf,
  headOf,
  keep,
  type OpenedStore,
  openStore,
  readAll,
  writeStream,
} from './streams.ts';

const faults = new Faults();
process.env.FAULTS_FILE = faults.environment.FAULTS_FILE;
await import('../../support/inject-faults.ts');
afterEach(() => faults.set());

const content = contentOf('content', 4 * BLOCK + 99);
let directory: string;
beforeEach(() => {
  directory = temporaryDirectory();
});

/** Writes a stream, before and after a fault sets in; checks what two readers get, one of them from the start. */
async function writeThrough({ store }: OpenedStore, fault: Fault | undefined, before = 0): Promise<void> {
  const writer = (await store.create(headOf('new')))!;
  const readers = [writer.reader()!, writer.reader()!];
  const inStep = readAll(readers[0], 10_000);
  await writeStream(writer, content.subarray(0, before));
  if (fault) faults.set(fault);
  const behind = readAll(readers[1], BLOCK);
  await writeStream(writer, content.subarray(before));
  await writer.finish({ whole: true });
  for (const bytes of await Promise.all([inStep, behind])) expect(bytes.equals(content)).toBe(true);
  expect(await readers[0].tail).toEqual({ whole: true });
}

const anyFile: Omit<Fault, 'calls' | 'action'> = { name: 'disk', path: 'streams/.*\\.tmp$' };

test.each<[what: string, fault: Fault, before: number]>([
  ['is full', { ...anyFile, calls: ['write'], action: 'ENOSPC' }, 100],
  ['is full after some blocks', { ...anyFile, calls: ['write'], action: 'ENOSPC' }, 2 * BLOCK + 100],
  ['is full for the end', { ...anyFile, calls: ['write'], action: 'ENOSPC' }, content.length],
  ['fails', { ...anyFile, calls: ['write'], action: 'EIO' }, 3 * BLOCK],
  ['fails in between', { ...anyFile, name: 'once', calls: ['write'], action: 'EIO', times: 1 }, BLOCK],
  ['does not give the name', { ...anyFile, calls: ['rename'], action: 'EROFS' }, 0],
])('a disk that %s', async (_, fault, before) => {
  const opened = await openStore(directory, { retryAfter: 60_000 });
  const { store, said } = opened;
  await keep(store, headOf('old'), content);
  await writeThrough(opened, fault, before);
  expect(faults.struck(fault.name)).toBeGreaterThan(0);
  expect(said).toEqual([expect.stringContaining(fault.action)]);
  expect(store.isOff).toBe(true);
  expect(await store.find(headOf('new').key)).toBeUndefined();
  expect(await store.create(headOf('other'))).toBeUndefined();
  // What it has is given out as before.
  expect((await readAll(await store.find(headOf('old').key))).equals(content)).toBe(true);
  expect(filesOf(directory)).toHaveLength(1);
  expect(store.bytes).toBe(fs.statSync(filesOf(directory)[0]).size);
});

test.each([
  ['no file', 'open', 'EMFILE', '\\.tmp$'],
  ['no directory', 'mkdir', 'ENOSPC', 'streams$'],
  ['no head', 'write', 'ENOSPC', '\\.tmp$'],
])('a disk that gives %s', async (_, call, action, file) => {
  const { store, said } = await openStore(directory);
  faults.set({ name: 'none', calls: [call], path: file, action });
  expect(await store.create(headOf('one'))).toBeUndefined();
  expect({ said, isOff: store.isOff }).toEqual({
    said: [`a stream cannot be written: ${action}`],
    isOff: true,
  });
  expect(filesOf(directory)).toEqual([]);
});

test('a disk that failed is tried again after a while', async () => {
  const opened = await openStore(directory, { retryAfter: 0 });
  await writeThrough(opened, { ...anyFile, calls: ['write'], action: 'ENOSPC' }, BLOCK);
  faults.set();
  expect(opened.store.isOff).toBe(false);
  await writeThrough(opened, undefined);
  expect((await readAll(await opened.store.find(headOf('new').key))).equals(content)).toBe(true);
});

test('an entry that cannot be read is a miss, and no entry any more', async () => {
  const { store, said } = await openStore(directory);
  for (const name of ['one', 'two']) await keep(store, headOf(name), content);
  const reader = (await store.find(headOf('one').key))!;
  faults.set({ name: 'unreadable', calls: ['read'], path: '\\.stream$', action: 'EIO' });
  await expect(readAll(reader)).rejects.toMatchObject({ code: 'PACKHORSE_IO' });
  expect(await store.find(headOf('two').key)).toBeUndefined();
  expect(said).toEqual([
    'a stream cannot be read: EIO',
    'damaged',
    'a stream cannot be read: EIO',
    'damaged',
  ]);
  expect({ entries: store.entries, isOff: store.isOff }).toEqual({ entries: 0, isOff: true });
});

test('an entry for which there is no descriptor now is a miss, and stays', async () => {
  const { store } = await openStore(directory);
  await keep(store, headOf('one'), content);
  faults.set({ name: 'descriptors', calls: ['open'], path: '\\.stream$', action: 'EMFILE' });
  expect(await store.find(headOf('one').key)).toBeUndefined();
  faults.set();
  expect((await readAll(await store.find(headOf('one').key))).equals(content)).toBe(true);
});

test('what cannot be read back while it is written fails the reader that is behind, and is not kept', async () => {
  const { store, said } = await openStore(directory);
  const writer = (await store.create(headOf('one')))!;
  const [behind, inStep] = [writer.reader()!, writer.reader()!];
  const received = readAll(inStep);
  await writeStream(writer, content.subarray(0, 3 * BLOCK));
  faults.set({ name: 'back', calls: ['read'], path: '\\.tmp$', action: 'EIO' });
  await expect(behind.read(10)).rejects.toMatchObject({ code: 'PACKHORSE_IO' });
  behind.close();
  await writeStream(writer, content.subarray(3 * BLOCK));
  await writer.finish({});
  expect((await received).equals(content)).toBe(true);
  expect(said).toEqual(['a stream cannot be written: EIO']);
  expect(filesOf(directory)).toEqual([]);
});

test('at the start, entries that cannot be read are left out, and those that can are there', async () => {
  const first = await openStore(directory);
  for (const name of ['one', 'two']) await keep(first.store, headOf(name), content);
  await first.store.close();
  faults.set({ name: 'start', calls: ['open'], path: `${headOf('one').key}\\.stream$`, action: 'EACCES' });
  const { store, said } = await openStore(directory);
  expect({ entries: store.entries, said }).toEqual({ entries: 1, said: ['a stream cannot be read: EACCES'] });
});

test('a directory that cannot be listed: it does not open, and lets the lock go', async () => {
  faults.set({ name: 'list', calls: ['readdir'], path: 'streams$', action: 'EIO' });
  await expect(openStore(directory)).rejects.toThrow('EIO');
  faults.set();
  await openStore(directory);
});

test('a file in the place of the directory of streams: off, and nobody fails', async () => {
  fs.writeFileSync(path.join(directory, 'streams'), 'a file');
  const { store, said } = await openStore(directory);
  expect(await store.create(headOf('one'))).toBeUndefined();
  expect({ said, isOff: store.isOff }).toEqual({ said: ['a stream cannot be written: EEXIST'], isOff: true });
});
