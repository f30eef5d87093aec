import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  encodePktLine,
  encodeSideband,
  encodeSidebandFrame,
  MAX_PKT_PAYLOAD,
  MAX_SIDEBAND_DATA,
  SidebandWriter,
} from '../../src/index.ts';

async function framesOf(writes: readonly Uint8Array[]): Promise<Uint8Array[]> {
  const frames: Uint8Array[] = [];
  const writer = new SidebandWriter((frame) => void frames.push(frame));
  for (const bytes of writes) await writer.write(bytes);
  await writer.end();
  return frames;
}

const bytes = (length: number, value = 7) => new Uint8Array(length).fill(value);

describe('encodePktLine', () => {
  it('counts the length itself', () => {
    expect(Buffer.from(encodePktLine('a\n')).toString()).toBe('0006a\n');
    expect(Buffer.from(encodePktLine('')).toString()).toBe('0004');
  });

  it('takes 65,516 bytes and no more', () => {
    expect(Buffer.from(encodePktLine(bytes(MAX_PKT_PAYLOAD))).toString('latin1', 0, 4)).toBe('fff0');
    expect(() => encodePktLine(bytes(MAX_PKT_PAYLOAD + 1))).toThrow(RangeError);
  });
});

describe('encodeSideband', () => {
  it('puts the band behind the length', () => {
    expect(Buffer.from(encodeSidebandFrame(2, 'hi')).toString('latin1')).toBe('0007\x02hi');
  });

  it('cuts data into full frames and one for the rest', () => {
    const data = bytes(2 * MAX_SIDEBAND_DATA + 1);
    const whole = encodeSideband(1, data);
    const frames = [0, 1, 2].map((i) =>
      encodeSidebandFrame(1, data.subarray(i * MAX_SIDEBAND_DATA, (i + 1) * MAX_SIDEBAND_DATA)),
    );
    expect(Buffer.from(whole).equals(Buffer.concat(frames))).toBe(true);
    expect(() => encodeSidebandFrame(1, data)).toThrow(RangeError);
  });

  it('makes no frame of no data', () => {
    expect(encodeSideband(1, bytes(0))).toHaveLength(0);
  });
});

describe('SidebandWriter', () => {
  it('gathers small writes into one frame', async () => {
    const frames = await framesOf(Array.from({ length: 1000 }, () => bytes(3)));
    expect(frames.map((frame) => frame.length)).toEqual([3005]);
  });

  it('splits a write that is too large for a frame', async () => {
    const frames = await framesOf([bytes(MAX_SIDEBAND_DATA + 10)]);
    expect(frames.map((frame) => frame.length)).toEqual([65520, 15]);
  });

  it('leaves no partial frame when a write ends on a frame boundary', async () => {
    const frames = await framesOf([bytes(10), bytes(2 * MAX_SIDEBAND_DATA - 10)]);
    expect(frames.map((frame) => frame.length)).toEqual([65520, 65520]);
  });

  it('sends a full frame at once, before the end', async () => {
    const frames: Uint8Array[] = [];
    const writer = new SidebandWriter((frame) => void frames.push(frame));
    await writer.write(bytes(MAX_SIDEBAND_DATA));
    expect(frames).toHaveLength(1);
  });

  it('gives the bytes of encodeSideband however they are written', async () => {
    const sizes = fc.array(fc.oneof(fc.nat(300), fc.nat(3 * MAX_SIDEBAND_DATA)), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(sizes, async (lengths) => {
        const writes = lengths.map((length, i) => bytes(length, i + 1));
        const frames = await framesOf(writes);
        expect(Buffer.concat(frames).equals(encodeSideband(1, Buffer.concat(writes)))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('awaits the receiver before it fills the next frame', async () => {
    let release = () => {};
    const taken: number[] = [];
    const writer = new SidebandWriter((frame) => {
      taken.push(frame.length);
      return new Promise<void>((resolve) => {
        release = resolve;
      });
    });
    const written = writer.write(bytes(2 * MAX_SIDEBAND_DATA));
    expect(taken).toEqual([65520]);
    release();
    await new Promise((resolve) => setImmediate(resolve));
    expect(taken).toEqual([65520, 65520]);
    release();
    await written;
  });
});
