import zlib from 'node:zlib';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { deflateInto, deflateWay, deflateWorks } from '../../src/repository/deflate-handle.ts';
import { inflateStart, startWorks } from '../../src/repository/zlib-handle.ts';
import { noise } from '../support/history.ts';

const data = fc.oneof(
  fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes)),
  fc.tuple(fc.nat(100_000), fc.nat(255)).map(([length, byte]) => Buffer.alloc(length, byte)),
  fc.nat(100_000).map((length) => noise(length, length)),
);

it('takes the way of the handle on this version of Node', () => {
  expect(deflateWay).toBe('handle');
});

it('gives the bytes of deflateSync, one stream after the other', () => {
  const output = Buffer.alloc(200_000);
  fc.assert(
    fc.property(data, fc.integer({ min: -1, max: 9 }), fc.nat(9), (input, level, at) => {
      const length = deflateInto(input, input.length, output, at, level);
      expect(output.subarray(at, at + length).equals(zlib.deflateSync(input, { level }))).toBe(true);
    }),
  );
});

it('says when there is no room, and goes on after that', () => {
  const input = noise(5000, 1);
  const output = Buffer.alloc(6000);
  const { length } = zlib.deflateSync(input);
  for (const room of [0, 1, 100, length - 1]) {
    expect(deflateInto(input, input.length, output.subarray(0, room), 0, -1)).toBe(-1);
    expect(deflateInto(input, input.length, output, 7, -1)).toBe(length);
  }
});

it('deflates only what it is told to', () => {
  const output = Buffer.alloc(100);
  const length = deflateInto(Buffer.from('abcdef'), 3, output, 0, -1);
  expect(zlib.inflateSync(output.subarray(0, length)).toString()).toBe('abc');
});

it('does not take a handle that does other things than it should', () => {
  const right = (input: Uint8Array, length: number, output: Uint8Array, at: number, level: number) => {
    const stream = zlib.deflateSync(input.subarray(0, length), { level });
    if (stream.length > output.length - at) return -1;
    output.set(stream, at);
    return stream.length;
  };
  expect(deflateWorks(right)).toBe(true);
  expect(deflateWorks((i, n, o, at) => right(i, n, o, at, 9))).toBe(false);
  expect(deflateWorks((i, n, o, at, level) => right(i, n, o, at, level) + 1)).toBe(false);
  expect(deflateWorks((i, n, o, _, level) => right(i, n, o, 0, level))).toBe(false);
  expect(deflateWorks(() => -1)).toBe(false);
  expect(
    deflateWorks(() => {
      throw new Error('gone');
    }),
  ).toBe(false);
});

it('inflates the start of a stream of which the rest is missing', () => {
  const text = Buffer.from('line of text\n'.repeat(5000));
  const stream = zlib.deflateSync(text);
  const output = Buffer.alloc(20);
  expect(inflateStart(stream, output)).toBe(20);
  expect(output.equals(text.subarray(0, 20))).toBe(true);
  const cut = inflateStart(stream.subarray(0, 12), output);
  expect(output.subarray(0, cut).equals(text.subarray(0, cut))).toBe(true);
  expect(inflateStart(zlib.deflateSync(Buffer.from('ab')), output)).toBe(2);
  expect(() => inflateStart(Buffer.from('no stream at all'), output)).toThrow();
  expect(inflateStart(stream, output)).toBe(20);
});

it('does not take a way of inflating that ends too late or takes anything', () => {
  expect(startWorks(() => 9)).toBe(false);
  expect(startWorks((input, output) => output.set(zlib.inflateSync(input)) ?? 9)).toBe(false);
});
