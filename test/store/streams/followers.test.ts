/** A stream is read while it is written, by several, each at its own pace. */
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { StreamReader, StreamWriter } from '../../../src/store/streams/stream.ts';
import { temporaryDirectory } from '../../support/directory.ts';
import { BLOCK, contentOf, filesOf, headOf, openStore, readAll, writeStream } from './streams.ts';

const directory = temporaryDirectory();
const content = contentOf('content', 5 * BLOCK + 1234);

async function begin(budget = 2 ** 30): Promise<StreamWriter> {
  const { store } = await openStore(temporaryDirectory(), { budget });
  return (await store.create(headOf('one')))!;
}

/** Lets everything that can happen by now happen, some turns of the event loop long. */
async function pass(turns: number): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
}

interface Step {
  /** Bytes that are asked for at once. */
  readonly most: number;
  /** Turns that are let pass before. */
  readonly pause: number;
}

/** Reads in these steps, again and again; gives up after so many bytes. */
async function readInSteps(reader: StreamReader, steps: readonly Step[], until: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for (let i = 0, read = 0; read < until; i++) {
    const { most, pause } = steps[i % steps.length];
    await pass(pause);
    const part = await reader.read(most);
    if (!part) break;
    expect(part.length).toBeLessThanOrEqual(most);
    parts.push(part);
    read += part.length;
  }
  reader.close();
  return Buffer.concat(parts);
}

const anySteps = fc.array(
  fc.record({ most: fc.integer({ min: 1000, max: 2 * BLOCK }), pause: fc.nat({ max: 20 }) }),
  { minLength: 1, maxLength: 5 },
);
const anyReader = fc.record({
  steps: anySteps,
  /** When it comes, in parts written. */
  after: fc.nat({ max: 20 }),
  until: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.nat({ max: content.length })),
});

test.each([
  ['kept', 2 ** 30],
  ['for which there is no room after some blocks', 3 * BLOCK],
  ['for which there is no room', 1],
])('readers that come, leave and read at any pace get the same: of a stream %s', async (_, budget) => {
  const readers = fc.array(anyReader, { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(readers, fc.integer({ min: 20_000, max: 400_000 }), async (all, part) => {
      const { store } = await openStore(directory, { budget });
      const writer = (await store.create(headOf('one')))!;
      const received: Promise<void>[] = [];
      let parts = 0;
      const join = () => {
        for (const { steps, until } of all.filter(({ after }) => after === parts)) {
          const reader = writer.reader();
          if (!reader) continue;
          const read = readInSteps(reader, steps, until);
          received.push(
            read.then((bytes) => {
              if (bytes.length < until) expect(bytes.equals(content)).toBe(true);
              else expect(bytes.equals(content.subarray(0, bytes.length))).toBe(true);
            }),
          );
        }
      };
      for (let at = 0; at < content.length; at += part, parts++) {
        join();
        await writer.write(content.subarray(at, at + part));
      }
      await writer.finish({});
      await Promise.all(received);
      const kept = await store.find(headOf('one').key);
      expect(kept !== undefined).toBe(budget > content.length);
      if (kept) expect((await readAll(kept)).equals(content)).toBe(true);
      await store.close();
    }),
    { numRuns: 40 },
  );
});

test('bytes can be read as soon as they are written', async () => {
  const writer = await begin();
  const reader = writer.reader()!;
  const first = reader.read(100);
  await writer.write(content.subarray(0, 10));
  expect((await first)!.length).toBe(10);
  const second = reader.read(100);
  await writer.write(content.subarray(10, 15));
  expect((await second)!.length).toBe(5);
  const end = reader.read(100);
  await writer.finish({ objects: 1 });
  expect(await end).toBeUndefined();
  expect(await reader.tail).toEqual({ objects: 1 });
});

test('the writer goes on without waiting for anyone, and those behind read what it wrote', async () => {
  const writer = await begin();
  const reader = writer.reader()!;
  await writeStream(writer, content);
  await writer.finish({});
  expect((await readAll(reader)).equals(content)).toBe(true);
});

test('where nothing is kept, the writer waits until each reader has taken what it wrote, or is gone', async () => {
  const writer = await begin(1);
  const [quick, slow] = [writer.reader()!, writer.reader()!];
  const all = readAll(quick, BLOCK);
  let isWritten = false;
  const written = writeStream(writer, content, BLOCK).then(() => {
    isWritten = true;
  });
  for (let read = 0; read < 2 * BLOCK; ) read += (await slow.read(BLOCK))!.length;
  await pass(20);
  expect(isWritten).toBe(false);
  slow.close();
  await written;
  await writer.finish({});
  expect((await all).equals(content)).toBe(true);
});

test('readers of what is aborted fail with that error, those that wait too', async () => {
  const { store } = await openStore(directory);
  const writer = (await store.create(headOf('one')))!;
  const [waits, lags] = [writer.reader()!, writer.reader()!];
  await writer.write(content.subarray(0, 10));
  expect(await waits.read(10)).toHaveLength(10);
  const error = new Error('the worker crashed');
  const told = [waits.read(10), waits.tail].map((promise) => expect(promise).rejects.toBe(error));
  await writer.abort(error);
  await Promise.all(told);
  await expect(lags.read(10)).rejects.toBe(error);
  expect(writer.reader()).toBeUndefined();
  expect(filesOf(directory)).toEqual([]);
  expect(store.bytes).toBe(0);
});

test('a reader that is closed while it waits stops waiting', async () => {
  const writer = await begin();
  const reader = writer.reader()!;
  const waiting = reader.read(10);
  reader.close();
  reader.close();
  await expect(waiting).rejects.toMatchObject({ code: 'PACKHORSE_CANCELLED' });
  await expect(reader.read(10)).rejects.toMatchObject({ code: 'PACKHORSE_CANCELLED' });
  await writeStream(writer, content);
  await writer.finish({});
});

test('files are closed with their last reader', async () => {
  const directory = temporaryDirectory();
  const { store } = await openStore(directory);
  const writer = (await store.create(headOf('one')))!;
  const readers = [writer.reader()!, writer.reader()!];
  await writeStream(writer, content);
  await writer.finish({});
  const stored = (await store.find(headOf('one').key))!;
  await stored.read(10);
  expect(openStreams(directory)).toBe(2);
  for (const reader of [...readers, stored]) reader.close();
  while (openStreams(directory) > 0) await pass(1);
});

test('a service that closes its store tells those who read what is being written', async () => {
  const { store } = await openStore(directory);
  const writer = (await store.create(headOf('two')))!;
  const waiting = writer.reader()!.read(10);
  await Promise.all([store.close(), expect(waiting).rejects.toMatchObject({ code: 'PACKHORSE_STOPPED' })]);
  await expect(writer.write(content)).rejects.toMatchObject({ code: 'PACKHORSE_STOPPED' });
  expect(await store.create(headOf('two'))).toBeUndefined();
});

/** Files of the streams of a cache directory that this process has open. */
function openStreams(directory: string): number {
  return fs
    .readdirSync('/proc/self/fd')
    .map((fd) => {
      try {
        return fs.readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        return '';
      }
    })
    .filter((target) => target.startsWith(path.join(directory, 'streams'))).length;
}
