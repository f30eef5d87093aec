import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applyDelta, readDeltaHeader } from '../../src/repository/apply-delta.ts';
import { applyDeltaStream } from '../../src/repository/apply-delta-stream.ts';
import { IndexFiles } from '../../src/repository/index-files.ts';
import { OBJECT_FORMATS, OFS_DELTA } from '../../src/repository/object-format.ts';
import { PackFile } from '../../src/repository/pack-file.ts';
import { WindowCache } from '../../src/repository/windows.ts';
import { inOneGo } from '../../src/stretches.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git, gitBytes } from '../support/git.ts';
import { random } from '../support/history.ts';
import { expectCorrupt, flip, unlessCorrupt } from './corrupt.ts';
import { initBare, makeHistory } from './history.ts';

function apply(base: Buffer, delta: Buffer): Buffer {
  const result = Buffer.alloc(readDeltaHeader(delta).resultSize);
  applyDelta(base, delta, result);
  return result;
}

/** The delta given in pieces of `step` bytes. */
async function applyStreamed(base: Buffer, delta: Buffer, step: number): Promise<Buffer> {
  const access = {
    size: base.length,
    read: (offset: number, length: number) => {
      expect(offset + length).toBeLessThanOrEqual(base.length);
      return base.subarray(offset, offset + length);
    },
  };
  async function* pieces() {
    for (let at = 0; at < delta.length; at += step) yield delta.subarray(at, at + step);
  }
  const slices: Buffer[] = [];
  for await (const slice of applyDeltaStream(access, pieces())) slices.push(Buffer.from(slice));
  return Buffer.concat(slices);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return [...bytes, value];
}

/** A copy operation; only the bytes that are not zero are written, and 0x10000 is written as no size at all. */
function copyOperation(offset: number, size: number): number[] {
  const bytes: number[] = [];
  let op = 128;
  const put = (bit: number, byte: number) => {
    if (byte === 0) return;
    op |= bit;
    bytes.push(byte);
  };
  for (let i = 0; i < 4; i++) put(1 << i, Math.floor(offset / 256 ** i) % 256);
  for (let i = 0; i < 3; i++) put(16 << i, size === 0x10000 ? 0 : Math.floor(size / 256 ** i) % 256);
  return [op, ...bytes];
}

interface Sample {
  readonly base: Buffer;
  readonly delta: Buffer;
  readonly result: Buffer;
}

const BASE = Buffer.from(
  Array.from(
    { length: 300_000 },
    (
      (next) => () =>
        next() * 256
    )(random(5)),
  ),
);

/** Deltas of copies and inserts, with the result they must give. */
const sample: fc.Arbitrary<Sample> = fc.nat(BASE.length).chain((size) => {
  const base = BASE.subarray(0, size);
  const insert = fc.uint8Array({ minLength: 1, maxLength: 127 }).map((bytes) => ({
    bytes: [bytes.length, ...bytes],
    result: Buffer.from(bytes),
  }));
  const length = fc.oneof(fc.nat(40), fc.nat(size), fc.constantFrom(0x10000, 0xffff, 0x10001));
  const copy = fc.tuple(fc.nat(Math.max(0, size - 1)), length).map(([offset, wanted]) => {
    const taken = Math.max(1, Math.min(wanted, size - offset));
    return { bytes: copyOperation(offset, taken), result: base.subarray(offset, offset + taken) };
  });
  return fc.array(size === 0 ? insert : fc.oneof(insert, copy), { maxLength: 12 }).map((operations) => {
    const result = Buffer.concat(operations.map((operation) => operation.result));
    const head = [...varint(size), ...varint(result.length)];
    return { base, delta: Buffer.from([...head, ...operations.flatMap(({ bytes }) => bytes)]), result };
  });
});

describe('a valid delta', () => {
  test('gives its result, whole', () => {
    fc.assert(
      fc.property(sample, ({ base, delta, result }) => {
        expect(apply(base, delta).equals(result)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test('gives its result in slices, however it arrives', async () => {
    await fc.assert(
      fc.asyncProperty(
        sample,
        fc.constantFrom(1, 2, 7, 100, 1 << 20),
        async ({ base, delta, result }, step) => {
          expect((await applyStreamed(base, delta, step)).equals(result)).toBe(true);
        },
      ),
      { numRuns: 150 },
    );
  });

  test('copies from beyond 16 MiB and more than 64 KiB at once', async () => {
    const base = Buffer.alloc(2 ** 24 + 500_000);
    base.writeUInt32BE(0xdeadbeef, 2 ** 24 + 100);
    const size = 400_000;
    const delta = Buffer.from([...varint(base.length), ...varint(size), ...copyOperation(2 ** 24 + 1, size)]);
    const expected = base.subarray(2 ** 24 + 1, 2 ** 24 + 1 + size);
    expect(apply(base, delta).equals(expected)).toBe(true);
    expect((await applyStreamed(base, delta, 3)).equals(expected)).toBe(true);
  });

  test('gives slices of at most 64 KiB', async () => {
    const delta = Buffer.from([...varint(BASE.length), ...varint(200_001), ...copyOperation(0, 200_001)]);
    const access = { size: BASE.length, read: (at: number, n: number) => BASE.subarray(at, at + n) };
    const sizes: number[] = [];
    const given = (async function* () {
      yield delta;
    })();
    for await (const slice of applyDeltaStream(access, given)) sizes.push(slice.length);
    expect(sizes).toEqual([65536, 65536, 65536, 3393]);
  });
});

describe('deltas that git made', () => {
  test('give what git gives', async () => {
    const directory = temporaryDirectory();
    initBare(directory);
    makeHistory(directory, { commits: 120, files: 2 });
    git(directory, ['repack', '-adfq', '--depth=50', '--window=50']);
    const packs = path.join(directory, 'objects/pack');
    const name = fs
      .readdirSync(packs)
      .find((file) => file.endsWith('.pack'))!
      .slice(0, -'.pack'.length);
    const pack = inOneGo(
      PackFile.open(packs, name, OBJECT_FORMATS.sha1, new WindowCache(1 << 20), new IndexFiles(1 << 20)),
    );
    const content = (rank: number) => {
      const oid = pack.index.oid(rank).toString('hex');
      return gitBytes(directory, ['cat-file', git(directory, ['cat-file', '-t', oid]), oid]);
    };
    let deltas = 0;
    for (let rank = 0; rank < pack.index.count; rank++) {
      const header = pack.header(rank);
      if (header.type !== OFS_DELTA) continue;
      const base = content(pack.index.rankAt(header.baseOffset!));
      const delta = zlib.inflateSync(pack.bytes(header.data, pack.end(rank) - header.data));
      const expected = content(rank);
      expect(apply(base, delta).equals(expected)).toBe(true);
      expect((await applyStreamed(base, delta, 11)).equals(expected)).toBe(true);
      deltas++;
    }
    pack.release();
    expect(deltas).toBeGreaterThan(100);
  });
});

describe('a damaged delta', () => {
  const base = Buffer.from('0123456789');
  const text = (size: number, resultSize: number, ...operations: number[]) =>
    Buffer.from([...varint(size), ...varint(resultSize), ...operations]);

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['one size only', Buffer.from([10])],
    ['a size without end', Buffer.alloc(30, 0x80)],
    ['another base size', text(11, 1, 1, 65)],
    ['the reserved operation', text(10, 1, 0)],
    ['an insert cut short', text(10, 5, 5, 65, 66)],
    ['an insert longer than the result', text(10, 1, 2, 65, 66)],
    ['a copy cut short', text(10, 5, 0x91, 0)],
    ['a copy behind the base', text(10, 5, ...copyOperation(10, 5))],
    ['a copy across the end of the base', text(10, 5, ...copyOperation(6, 5))],
    ['a copy longer than the result', text(10, 4, ...copyOperation(0, 5))],
    ['a copy of 64 KiB from a small base', text(10, 0x10000, 0x80)],
    ['a result cut short', text(10, 6, ...copyOperation(0, 5))],
    ['no operations', text(10, 1)],
  ])('(%s) is refused', async (_, delta) => {
    expectCorrupt(() => apply(base, delta));
    for (const step of [1, 1000]) {
      await expect(applyStreamed(base, delta, step)).rejects.toMatchObject({
        code: 'PACKHORSE_REPOSITORY_CORRUPT',
      });
    }
  });

  test('is refused, or gives as many bytes as it says, in both ways the same', async () => {
    const small = sample.filter(({ delta, result }) => delta.length < 400 && result.length < 100_000);
    await fc.assert(
      fc.asyncProperty(small, fc.nat(), fc.integer({ min: 1, max: 255 }), async (given, where, mask) => {
        const delta = flip(given.delta, where % given.delta.length, mask);
        // A result of a size that no memory holds is refused by those who make room for it.
        fc.pre((unlessCorrupt(() => readDeltaHeader(delta))?.resultSize ?? 0) < 2 ** 24);
        const whole = unlessCorrupt(() => apply(given.base, delta));
        const streamed = applyStreamed(given.base, delta, 5);
        if (whole) expect((await streamed).equals(whole)).toBe(true);
        else await expect(streamed).rejects.toMatchObject({ code: 'PACKHORSE_REPOSITORY_CORRUPT' });
      }),
      { numRuns: 300 },
    );
  });

  test('a result with more or less room than it needs is refused', () => {
    const delta = text(10, 5, ...copyOperation(0, 5));
    expectCorrupt(() => applyDelta(base, delta, Buffer.alloc(4)));
    expectCorrupt(() => applyDelta(base, delta, Buffer.alloc(6)));
  });
});
