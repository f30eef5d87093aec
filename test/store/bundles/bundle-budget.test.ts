/** The space for bundles: who leaves when there is no room, and that no reader notices. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import type { Bundle } from '../../../src/store/bundles/bundle-list.ts';
import { BundleStore } from '../../../src/store/bundles/bundle-store.ts';
import { temporaryDirectory } from '../../support/directory.ts';
import { noise } from '../../support/history.ts';

const MINUTE = 60_000;
const BUDGET = 1_000_000;

let cache: string;
let root: string;
let now: number;
let written: number;
const evicted = new BigInt64Array(1);
const held = new BigInt64Array(1);

beforeEach(() => {
  cache = temporaryDirectory();
  root = temporaryDirectory();
  now = Date.now();
  written = 0;
  evicted[0] = 0n;
});

const storeOf = (budget = BUDGET) =>
  new BundleStore(cache, { budget, now: () => now, counts: { held, evicted } });

function ownerOf(name: string): { gitDirectory: string; namespace: string } {
  const gitDirectory = path.join(root, name);
  fs.mkdirSync(gitDirectory, { recursive: true });
  return { gitDirectory, namespace: '' };
}

/** Writes a bundle of so many bytes; offered alone, or with those that the repository has. */
async function make(name: string, bytes: number, goesOn = false, store = storeOf()): Promise<Bundle> {
  now += 2 * MINUTE;
  const owner = ownerOf(name);
  const writer = await store.create(owner, goesOn);
  try {
    const content = noise(bytes, ++written);
    for (let at = 0; at < bytes; at += 10_000) await writer.write(content.subarray(at, at + 10_000));
    const made = { ...(await writer.finish()), token: written, created: now, refs: [] };
    store.offer(owner, [...(goesOn ? store.list(owner)!.offered : []), made]);
    return made;
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

/** Repositories that offer bundles whose files are there. */
const offering = (...names: string[]) =>
  names.filter((name) => {
    const [store, owner] = [storeOf(), ownerOf(name)];
    const list = store.list(owner);
    return list && store.isWhole(owner, list);
  });

const filesOnDisk = () =>
  fs.readdirSync(cache, { recursive: true, encoding: 'utf8' }).map((name) => path.join(cache, name));

const fileOf = ({ id }: Bundle) => filesOnDisk().find((file) => file.endsWith(`${id}.bundle`));

function bytesOnDisk(): number {
  const sizes = filesOnDisk().map((file) => fs.statSync(file));
  return sizes.reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);
}

test('the bundles of the repository that was not used for the longest time leave first', async () => {
  for (const name of ['a', 'b', 'c']) await make(name, 300_000);
  now += 2 * MINUTE;
  storeOf().used(ownerOf('a'));
  await make('d', 300_000);
  expect(offering('a', 'b', 'c', 'd')).toEqual(['a', 'c', 'd']);
  expect(bytesOnDisk()).toBeLessThanOrEqual(BUDGET);
  expect(Number(evicted[0])).toBe(1);
  expect(Number(held[0])).toBe(bytesOnDisk());
});

test('what is written counts while it is', async () => {
  for (const name of ['a', 'b', 'c']) await make(name, 300_000);
  const writer = await storeOf().create(ownerOf('d'), false);
  for (let n = 0; n < 49; n++) {
    await writer.write(Buffer.alloc(10_000));
    expect(bytesOnDisk()).toBeLessThanOrEqual(BUDGET);
  }
  await writer.abort();
  expect(offering('a', 'b', 'c')).toEqual(['c']);
});

test('who reads a bundle that leaves reads it to its end, and others are told that it is not there', async () => {
  const bundle = await make('a', 400_000);
  const store = storeOf();
  const whole = fs.readFileSync(fileOf(bundle)!);
  const { file, bytes } = (await store.open(ownerOf('a'), bundle))!;
  await make('b', 400_000);
  await make('c', 400_000);
  expect(store.list(ownerOf('a'))).toBeUndefined();
  expect(await store.open(ownerOf('a'), bundle)).toBeUndefined();
  const read = Buffer.alloc(bytes);
  await file.read(read, 0, bytes, 0);
  await file.close();
  expect(read.equals(whole)).toBe(true);
});

test('what is offered no more leaves before what is, and those that are offered stay', async () => {
  const old = await make('a', 300_000);
  await make('a', 200_000);
  await make('b', 300_000);
  await make('c', 300_000);
  expect(offering('a', 'b', 'c')).toEqual(['a', 'b', 'c']);
  expect(storeOf().list(ownerOf('a'))!.retired).toEqual([]);
  expect(fileOf(old)).toBeUndefined();
  expect(await storeOf().open(ownerOf('a'), old)).toBeUndefined();
  expect(offering('a')).toEqual(['a']);
});

test('a bundle takes the place of what its repository had, where there is no other', async () => {
  await make('a', 400_000);
  await make('a', 100_000, true);
  await make('a', 400_000, true);
  expect(storeOf().list(ownerOf('a'))!.offered).toHaveLength(3);
  await make('a', 450_000);
  expect(storeOf().list(ownerOf('a'))!.offered).toHaveLength(1);
  expect(offering('a')).toEqual(['a']);
});

test('one that goes on from others is not made in their place', async () => {
  await make('a', 450_000);
  await make('a', 450_000, true);
  await expect(make('a', 200_000, true)).rejects.toThrow('no room');
  expect(storeOf().list(ownerOf('a'))!.offered).toHaveLength(2);
  expect(offering('a')).toEqual(['a']);
});

test('a directory that another thread removes while a bundle is begun is made again', async () => {
  await make('a', 1000);
  const { file } = (await storeOf().open(ownerOf('a'), storeOf().list(ownerOf('a'))!.offered[0]))!;
  await file.close();
  const bundles = path.join(cache, 'bundles');
  const before = fs.readdirSync(bundles).length;
  const creating = storeOf().create(ownerOf('b'), false);
  while (fs.readdirSync(bundles).length === before);
  storeOf().sweep();
  expect(fs.readdirSync(bundles)).toHaveLength(before);
  await (await creating).abort();
});

test('one that is larger than half of the space is not kept', async () => {
  for (const name of ['a', 'b']) await make(name, 200_000);
  await expect(make('c', 510_000)).rejects.toMatchObject({ code: 'PACKHORSE_IO' });
  expect(offering('a', 'b', 'c')).toEqual(['a', 'b']);
  await make('c', 499_000);
  expect(offering('c')).toEqual(['c']);
});

test('a service that is started with less space removes what is too much', async () => {
  for (const name of ['a', 'b', 'c']) await make(name, 300_000);
  storeOf(700_000).sweep();
  expect(offering('a', 'b', 'c')).toEqual(['b', 'c']);
  expect(bytesOnDisk()).toBeLessThanOrEqual(700_000);
});
