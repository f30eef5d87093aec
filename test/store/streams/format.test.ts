/** A file that is not what was written is never read to its end, wherever it differs. */
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../../support/directory.ts';
import { BLOCK, contentOf, filesOf, headOf, keep, openStore, readAll, writeStream } from './streams.ts';

const LENGTHS = [0, 10, BLOCK, 2 * BLOCK + 1000];
/** The whole file of a stream of each length. */
const files = new Map<number, Buffer>();

beforeAll(async () => {
  for (const length of LENGTHS) {
    const directory = temporaryDirectory();
    const { store } = await openStore(directory);
    await keep(store, headOf(`${length}`), contentOf(`${length}`, length));
    await store.close();
    files.set(length, fs.readFileSync(filesOf(directory)[0]));
  }
});

const shared = temporaryDirectory();
afterAll(() => fs.rmSync(shared, { recursive: true, force: true }));

/** What can be read of a stream of this length when its file has become this one; undefined where all of it can. */
async function readAltered(
  length: number,
  bytes: Uint8Array,
  afterStart: boolean,
): Promise<string[] | undefined> {
  const directory = fs.mkdtempSync(path.join(shared, 'cache-'));
  const { key } = headOf(`${length}`);
  const file = path.join(directory, 'streams', `${key}.stream`);
  fs.mkdirSync(path.dirname(file));
  fs.writeFileSync(file, afterStart ? files.get(length)! : bytes);
  const { store, said } = await openStore(directory);
  if (afterStart) fs.writeFileSync(file, bytes);
  const content = contentOf(`${length}`, length);
  const reader = await store.find(key);
  let read = 0;
  try {
    for (let part = await reader?.read(100_000); part; part = await reader?.read(100_000)) {
      // What is given out is right as far as it goes.
      expect(content.compare(part, 0, part.length, read, read + part.length)).toBe(0);
      read += part.length;
    }
    if (reader) return undefined;
  } catch (error) {
    expect((error as Error).message).toContain('is damaged');
  } finally {
    reader?.close();
  }
  expect(await store.find(key)).toBeUndefined();
  expect(store.bytes).toBe(0);
  await store.close();
  expect(filesOf(directory)).toEqual([]);
  return said;
}

const anyFile = fc.constantFrom(...LENGTHS);
const anyTime = fc.boolean();
const anyPlace = fc.nat({ max: 999_999 }).map((share) => share / 1e6);
/** The ends count as much as what lies between. */
const placeIn = (size: number) =>
  fc.oneof(
    fc.nat({ max: Math.min(size - 1, 300) }),
    fc.nat({ max: Math.min(size - 1, 300) }).map((back) => size - 1 - back),
    anyPlace.map((at) => Math.floor(at * size)),
  );
const fileAndPlace = anyFile.chain((length) =>
  fc.tuple(fc.constant(length), placeIn(files.get(length)!.length)),
);

describe('a file', () => {
  test.each([...LENGTHS])('of %i bytes that is as it was written is read', async (length) => {
    for (const afterStart of [true, false]) {
      expect(await readAltered(length, files.get(length)!, afterStart)).toBeUndefined();
    }
  });

  test('whose ends are longer than what is read at once is read', async () => {
    const directory = temporaryDirectory();
    const { store } = await openStore(directory);
    const head = { ...headOf('long'), repository: 'r'.repeat(10_000) };
    const tail = { said: 't'.repeat(50_000) };
    const content = contentOf('long', BLOCK + 10);
    const writer = await store.create(head);
    await writeStream(writer, content);
    await writer!.finish(tail);
    await store.close();

    const { store: next } = await openStore(directory);
    const reader = await next.find(head.key);
    expect(content.equals(await readAll(reader))).toBe(true);
    expect(await reader!.tail).toEqual(tail);
    reader!.close();
  });

  test('that is cut short anywhere is refused', async () => {
    await fc.assert(
      fc.asyncProperty(fileAndPlace, anyTime, async ([length, size], afterStart) => {
        expect(await readAltered(length, files.get(length)!.subarray(0, size), afterStart)).toEqual([
          'damaged',
        ]);
      }),
      { numRuns: 150 },
    );
  });

  test('with any byte changed is refused', async () => {
    await fc.assert(
      fc.asyncProperty(
        fileAndPlace,
        fc.integer({ min: 1, max: 255 }),
        anyTime,
        async ([length, at], flip, time) => {
          const altered = Buffer.from(files.get(length)!);
          altered[at] ^= flip;
          expect(await readAltered(length, altered, time)).toEqual(['damaged']);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('every byte of which was changed in turn is refused', async () => {
    const whole = files.get(10)!;
    for (let at = 0; at < whole.length; at++) {
      const altered = Buffer.from(whole);
      altered[at] ^= 1 << (at % 8);
      expect(await readAltered(10, altered, at % 2 === 0)).toEqual(['damaged']);
    }
  });

  test('in which pages were never written, as after a power cut, is refused', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyFile,
        anyPlace,
        fc.integer({ min: 1, max: 80 }),
        anyTime,
        async (length, at, pages, time) => {
          const whole = files.get(length)!;
          const from = Math.floor((at * whole.length) / 4096) * 4096;
          const torn = Buffer.from(whole).fill(0, from, Math.min(from + pages * 4096, whole.length));
          expect(await readAltered(length, torn, time)).toEqual(['damaged']);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('to which bytes were added is refused', async () => {
    const added = fc.uint8Array({ minLength: 1, maxLength: 300 });
    await fc.assert(
      fc.asyncProperty(fileAndPlace, added, async ([length, at], bytes) => {
        const whole = files.get(length)!;
        const altered = Buffer.concat([whole.subarray(0, at), bytes, whole.subarray(at)]);
        if (!altered.equals(whole)) expect(await readAltered(length, altered, true)).toEqual(['damaged']);
      }),
      { numRuns: 60 },
    );
  });

  test('with two blocks in each other’s place, or under another’s name, is refused', async () => {
    const whole = files.get(2 * BLOCK + 1000)!;
    const start = whole.indexOf(contentOf(`${2 * BLOCK + 1000}`, 16));
    const swapped = Buffer.concat([
      whole.subarray(0, start),
      whole.subarray(start + BLOCK, start + 2 * BLOCK),
      whole.subarray(start, start + BLOCK),
      whole.subarray(start + 2 * BLOCK),
    ]);
    expect(await readAltered(2 * BLOCK + 1000, swapped, false)).toEqual(['damaged']);
    expect(await readAltered(10, files.get(BLOCK)!, false)).toEqual(['damaged']);
  });

  test('of noise is refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), anyTime, async (bytes, afterStart) => {
        expect(await readAltered(10, bytes, afterStart)).toEqual(['damaged']);
      }),
      { numRuns: 60 },
    );
  });
});

test('a stream that is damaged while it is read ends with an error, and is no entry any more', async () => {
  const directory = temporaryDirectory();
  const { store, said } = await openStore(directory);
  const { key } = headOf('one');
  await keep(store, headOf('one'), contentOf('one', 5 * BLOCK));
  const reader = (await store.find(key))!;
  expect(await reader.read(BLOCK)).toHaveLength(BLOCK);
  fs.truncateSync(filesOf(directory)[0], 3 * BLOCK);
  await expect(readAll(reader)).rejects.toMatchObject({ code: 'PACKHORSE_IO' });
  expect(await store.find(key)).toBeUndefined();
  expect(said).toEqual(['damaged']);
  expect(store.isOff).toBe(false);
});
