/** The segments of all repositories together stay within the budget; the oldest leave first. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../support/directory.ts';
import {
  beginPack,
  bytesIn,
  find,
  keepAll,
  type MadeEntry,
  MIB,
  makeEntry,
  openStore,
  segmentsIn,
} from './entries.ts';

const BUDGET = 4 * MIB;

/** 50 entries of 10,000 bytes. */
function half(seed: number): MadeEntry[] {
  return Array.from({ length: 50 }, (_, i) => makeEntry(10_000, 100 * seed + i));
}

test('over the budget the oldest segments leave, whichever repository they are of', async () => {
  const cache = temporaryDirectory();
  const repositories = [temporaryDirectory(), temporaryDirectory()];
  const store = openStore(cache, { budget: BUDGET });
  for (let n = 0; n < 20; n++) {
    const { pack } = await beginPack(store, repositories[n < 5 ? 0 : 1]);
    keepAll(pack, half(n));
    pack.close();
    await store.settled();
    expect(bytesIn(cache)).toBeLessThanOrEqual(BUDGET);
  }
  expect(bytesIn(cache)).toBeGreaterThan(BUDGET / 2);
  // Nothing is left of the repository that no one asked for any more.
  expect(fs.readdirSync(path.join(cache, 'entries'))).toHaveLength(1);
  const { pack } = await beginPack(openStore(cache, { budget: BUDGET }), repositories[1]);
  expect(half(19).every((entry) => find(pack, entry))).toBe(true);
  expect(half(5).some((entry) => find(pack, entry))).toBe(false);
});

test('a pack that is being made reads on from segments that leave; the next one makes those entries anew', async () => {
  const cache = temporaryDirectory();
  const [repository, other] = [temporaryDirectory(), temporaryDirectory()];
  const reader = openStore(cache, { budget: BUDGET });
  const first = (await beginPack(reader, repository)).pack;
  keepAll(first, half(0));
  first.close();
  const reading = (await beginPack(reader, repository)).pack;
  const writer = openStore(cache, { budget: BUDGET });
  for (let n = 1; n < 12; n++) {
    const { pack } = await beginPack(writer, other);
    keepAll(pack, half(n));
    pack.close();
    await writer.settled();
  }
  for (const entry of half(0)) expect(find(reading, entry)!.equals(entry.entry)).toBe(true);
  reading.close();
  const next = (await beginPack(reader, repository)).pack;
  for (const entry of half(0)) expect(find(next, entry)).toBeUndefined();
  keepAll(next, half(0));
  next.close();
  const last = (await beginPack(openStore(cache, { budget: BUDGET }), repository)).pack;
  for (const entry of half(0)) expect(find(last, entry)!.equals(entry.entry)).toBe(true);
});

test('segments of a store with a larger budget before, and a clock that goes back', async () => {
  const cache = temporaryDirectory();
  const repository = temporaryDirectory();
  await fill(cache, repository);
  // From a time to come: they leave last.
  for (const file of segmentsIn(cache).slice(-2)) {
    fs.renameSync(file, path.join(path.dirname(file), `z${path.basename(file)}`));
  }
  const future = segmentsIn(cache).slice(-2);
  const small = openStore(cache, { budget: BUDGET });
  const { pack } = await beginPack(small, repository);
  keepAll(pack, half(20));
  pack.close();
  await small.settled();
  expect(bytesIn(cache)).toBeLessThanOrEqual(BUDGET);
  expect(segmentsIn(cache).slice(-2)).toEqual(future);
  const next = (await beginPack(small, repository)).pack;
  for (const entry of half(11)) expect(find(next, entry)!.equals(entry.entry)).toBe(true);
});

test('a store with less space than before makes room before anything is kept', async () => {
  const cache = temporaryDirectory();
  const repository = temporaryDirectory();
  await fill(cache, repository);
  expect(bytesIn(cache)).toBeGreaterThan(BUDGET);
  const small = openStore(cache, { budget: BUDGET });
  (await beginPack(small, repository)).pack.close();
  await small.settled();
  expect(bytesIn(cache)).toBeLessThanOrEqual(BUDGET);
});

test('more segments come and go, while a thread reads, than there are numbers for', async () => {
  const cache = temporaryDirectory();
  const repository = temporaryDirectory();
  const reader = openStore(cache);
  for (let round = 0; round < 8; round++) {
    const entry = makeEntry(100, round);
    const writer = openStore(cache);
    const { pack } = await beginPack(writer, repository);
    keepAll(pack, [entry]);
    pack.close();
    writer.close();
    const [file] = segmentsIn(cache);
    for (let n = 0; n < 300; n++) fs.copyFileSync(file, file.replace('.entries', `-${n}.entries`));
    const reading = (await beginPack(reader, repository)).pack;
    expect(find(reading, entry)?.equals(entry.entry)).toBe(true);
    reading.close();
    for (const each of segmentsIn(cache)) fs.rmSync(each);
  }
});

/** With more than there is to be. */
async function fill(cache: string, repository: string): Promise<void> {
  const large = openStore(cache, { budget: 64 * BUDGET });
  for (let n = 0; n < 12; n++) {
    const { pack } = await beginPack(large, repository);
    keepAll(pack, half(n));
    pack.close();
    large.close();
  }
}
