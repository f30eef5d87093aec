/** Deltas made here: our own reader and git take them, and no content makes them slow. */
import { createHash } from 'node:crypto';
import zlib from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DeltaEncoder } from '../../src/pack/encode-delta.ts';
import { encodePackHeader, writeTypeAndSize } from '../../src/pack/entry-header.ts';
import { applyDelta, readDeltaHeader } from '../../src/repository/apply-delta.ts';
import { REF_DELTA } from '../../src/repository/object-format.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git, gitBytes } from '../support/git.ts';
import { blobId } from '../support/handmade-pack.ts';
import { createRepository, noise } from '../support/history.ts';

const encoder = new DeltaEncoder();

/** The delta, or undefined when it would be longer than the limit. */
function encode(base: Buffer, target: Buffer, limit = 1e9): Buffer | undefined {
  const length = encoder.encode(base, target, limit);
  return length < 0 ? undefined : Buffer.from(encoder.delta.subarray(0, length));
}

function apply(base: Buffer, delta: Buffer): Buffer {
  const into = Buffer.alloc(readDeltaHeader(delta).resultSize);
  applyDelta(base, delta, into);
  return into;
}

/** Text of lines that are alike, as source code is. */
function lines(count: number, seed: number): Buffer {
  const words = noise(count * 2, seed);
  return Buffer.from(
    Array.from(
      { length: count },
      (_, i) => `    value[${words[2 * i] % 50}] = f(${words[2 * i + 1]});\n`,
    ).join(''),
  );
}

const content = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.tuple(fc.nat(400), fc.nat(5)).map(([count, seed]) => lines(count, seed)),
  fc.tuple(fc.nat(3000), fc.nat(3)).map(([length, byte]) => Buffer.alloc(length, byte)),
);

interface Edit {
  readonly at: number;
  readonly takes: number;
  readonly puts: Buffer;
}

const edit: fc.Arbitrary<Edit> = fc.record({
  at: fc.nat(20_000),
  takes: fc.oneof(fc.nat(5), fc.nat(2000)),
  puts: fc.oneof(
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    content,
  ),
});

function edited(base: Buffer, edits: readonly Edit[]): Buffer {
  return edits.reduce((text, { at, takes, puts }) => {
    const from = at % (text.length + 1);
    return Buffer.concat([text.subarray(0, from), puts, text.subarray(from + takes)]);
  }, base);
}

it('gives the target back, whatever it was made from', () => {
  fc.assert(
    fc.property(content, content, fc.array(edit, { maxLength: 8 }), (base, other, edits) => {
      for (const target of [edited(base, edits), other, base]) {
        expect(apply(base, encode(base, target)!).equals(target)).toBe(true);
      }
    }),
    { numRuns: 300 },
  );
});

it('makes a delta of just the limit, and none of more', () => {
  fc.assert(
    fc.property(content, fc.array(edit, { maxLength: 4 }), (base, edits) => {
      const target = edited(base, edits);
      const delta = encode(base, target)!;
      expect(encode(base, target, delta.length)).toEqual(delta);
      expect(encode(base, target, delta.length - 1)).toBeUndefined();
    }),
    { numRuns: 1000 },
  );
});

describe('small changes of a large text give small deltas', () => {
  const text = lines(5000, 1);
  const word = Buffer.from('something else');
  it.each<[string, Edit[], number]>([
    ['none', [], 30],
    ['at the start', [{ at: 0, takes: 9, puts: word }], 50],
    ['at the end', [{ at: text.length, takes: 0, puts: word }], 50],
    ['in the middle', [{ at: 70_000, takes: 3, puts: word }], 60],
    ['a line gone', [{ at: 70_000, takes: 30, puts: Buffer.alloc(0) }], 60],
    ['in twenty places', Array.from({ length: 20 }, (_, i) => ({ at: i * 5000, takes: 3, puts: word })), 700],
    [
      'a block moved',
      [
        { at: 20_000, takes: 9000, puts: Buffer.alloc(0) },
        { at: 80_000, takes: 0, puts: text.subarray(20_000, 29_000) },
      ],
      60,
    ],
    ['a block twice', [{ at: 50_000, takes: 0, puts: text.subarray(20_000, 29_000) }], 60],
  ])('%s', (_, edits, most) => {
    const target = edited(text, edits);
    const delta = encode(text, target)!;
    expect(apply(text, delta).equals(target)).toBe(true);
    expect(delta.length).toBeLessThan(most);
  });
});

it('copies across 64 KiB and 16 MiB', () => {
  const base = noise(17 * 2 ** 20, 7);
  const target = Buffer.concat([
    base.subarray(2 ** 24 + 5),
    Buffer.from('between'),
    base.subarray(0, 300_000),
  ]);
  const delta = encode(base, target)!;
  expect(apply(base, delta).equals(target)).toBe(true);
  expect(delta.length).toBeLessThan(200);
});

describe('looks at so many bytes for each byte of content', () => {
  const size = 400_000;
  const period = (n: number, change: number) =>
    Buffer.from(Array.from({ length: size }, (_, i) => (i % change === 0 ? i / change : i % n)));
  it.each<[string, Buffer, Buffer]>([
    ['zeros', Buffer.alloc(size), Buffer.alloc(size + 1)],
    ['zeros with a mark', Buffer.alloc(size), Buffer.alloc(size).fill(1, size / 2, size / 2 + 1)],
    ['a period of 15', period(15, 9973), period(15, 8191)],
    ['a period of 17', period(17, 99), period(17, 101)],
    ['blocks that differ in one byte', period(16, 40), period(16, 56)],
    ['noise', noise(size, 1), noise(size, 2)],
    ['lines', lines(12_000, 1), lines(12_000, 2)],
  ])('%s', (_, base, target) => {
    const before = encoder.compared;
    expect(apply(base, encode(base, target)!).equals(target)).toBe(true);
    expect(encoder.compared - before).toBeLessThan(40 * (base.length + target.length));
  });
});

it('does not catch up again and again with what differs all over', () => {
  const base = noise(400_000, 1);
  const target = base.map((byte, i) => (i % 50 === 0 ? byte ^ 1 : byte)) as Buffer;
  const before = encoder.compared;
  expect(apply(base, encode(base, target)!).equals(target)).toBe(true);
  expect(encoder.compared - before).toBeLessThan(4 * (base.length + target.length));
});

it('makes deltas that git takes', () => {
  const repository = createRepository(temporaryDirectory(), 'client');
  const base = lines(3000, 3);
  git(repository, ['hash-object', '-w', '--stdin'], { input: base });
  const targets = [
    edited(base, [{ at: 500, takes: 40, puts: Buffer.from('new') }]),
    Buffer.concat([base.subarray(40_000), noise(500, 1), base, base]),
    Buffer.concat([base, Buffer.alloc(200_000, 'x'), base]),
  ];
  const entries = targets.flatMap((target) => {
    const delta = encode(base, target)!;
    const head = Buffer.alloc(10);
    const length = writeTypeAndSize(head, 0, REF_DELTA, delta.length);
    return [head.subarray(0, length), Buffer.from(blobId(base), 'hex'), zlib.deflateSync(delta)];
  });
  const pack = Buffer.concat([encodePackHeader(targets.length), ...entries]);
  const input = Buffer.concat([pack, createHash('sha1').update(pack).digest()]);
  git(repository, ['index-pack', '--strict', '--fix-thin', '--stdin'], { input });
  for (const target of targets) {
    expect(gitBytes(repository, ['cat-file', 'blob', blobId(target)]).equals(target)).toBe(true);
  }
});
