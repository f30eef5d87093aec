/**
 * Deflating into memory of one's own, without a new stream for every entry: the sister of `zlib-handle.ts`. What
 * `zlib.deflateSync` costs for a delta of 100 bytes is almost all in setting up its stream. The handle is tried out
 * once, and the public call is taken where it does not do what is expected of it.
 */
import zlib from 'node:zlib';
import type { ZlibInternals } from './zlib-internals.ts';

/**
 * Deflates `length` bytes of `input` to a whole zlib stream in `output` at `at`, the same bytes that
 * `zlib.deflateSync` gives at that level.
 * @param level 0 to 9, or -1 for zlib's own
 * @returns the length of the stream, or -1 when it does not fit; `output` is then scribbled on up to its end
 * @throws Error when zlib fails
 */
export type DeflateInto = (
  input: Uint8Array,
  length: number,
  output: Uint8Array,
  at: number,
  level: number,
) => number;

/** By level: each handle keeps 256 KiB of tables. */
const streams = new Map<number, ZlibInternals<zlib.Deflate>>();

const byHandle: DeflateInto = (input, length, output, at, level) => {
  // What is only stored is cut up by the room that there is.
  if (level === 0) return byCopy(input, length, output, at, level);
  let stream = streams.get(level);
  if (!stream) {
    stream = zlib.createDeflate({ level }) as ZlibInternals<zlib.Deflate>;
    stream.on('error', () => {}); // thrown below
    streams.set(level, stream);
  }
  const room = output.length - at;
  if (room <= 0) return -1;
  stream._handle.reset();
  stream._handle.writeSync(zlib.constants.Z_FINISH, input, 0, length, output, at, room);
  const { errored, destroyed, _writeState } = stream;
  if (errored || destroyed) {
    streams.delete(level);
    throw errored ?? new Error('the bytes cannot be deflated');
  }
  // A stream that just fits looks like one that was cut off.
  return _writeState[0] === 0 ? -1 : room - _writeState[0];
};

const byCopy: DeflateInto = (input, length, output, at, level) => {
  const stream = zlib.deflateSync(input.subarray(0, length), { level });
  if (stream.length >= output.length - at) return -1;
  output.set(stream, at);
  return stream.length;
};

/** Whether the handle deflates as the public call does, time and again, and recovers from a lack of room. */
export function deflateWorks(candidate: DeflateInto): boolean {
  const texts = ['', 'some text, some text', 'x'.repeat(300)].map((text) => Buffer.from(text));
  const output = Buffer.alloc(64);
  try {
    for (const level of [-1, 1, 9]) {
      for (const text of texts) {
        const stream = zlib.deflateSync(text, { level });
        if (candidate(text, text.length, output.subarray(0, stream.length), 1, level) !== -1) return false;
        output.fill(0);
        if (candidate(text, text.length, output, 1, level) !== stream.length) return false;
        if (!output.subarray(1, stream.length + 1).equals(stream) || output[0] !== 0) return false;
      }
    }
    return true;
  } catch {
    return false;
  }
}

export const deflateInto: DeflateInto = deflateWorks(byHandle) ? byHandle : byCopy;
/** Which way was taken, for the log at the start. */
export const deflateWay: 'handle' | 'copy' = deflateInto === byHandle ? 'handle' : 'copy';
