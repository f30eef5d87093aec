/**
 * Inflating into memory of one's own, without a new object or buffer for every stream. Node's public `inflateSync`
 * makes a stream object, a context and an output buffer for each call, which for the 100 bytes of a usual tree delta
 * costs three times the inflating itself and leaves all of it to the garbage collector. The handle below a Node zlib
 * stream can be reset and written to any number of times. It is not documented, so {@link inflateInto} is tried out
 * once, and the public way is taken where the handle does not do what is expected of it.
 */
import zlib from 'node:zlib';
import type { ZlibInternals } from './zlib-internals.ts';

let inflate: ZlibInternals<zlib.Inflate> | undefined;

/**
 * Inflates a whole zlib stream into `output` at `at`; bytes of input behind the stream's end are ignored.
 * @param size inflated bytes, which must be exactly those the stream holds; `output` has one byte of room more, by
 *   which a longer stream gives itself away
 * @throws Error when the stream is damaged or has another size
 */
export type InflateInto = (input: Uint8Array, output: Uint8Array, at: number, size: number) => void;

/** zlib counts room in 32 bits. */
const LARGEST = 2 ** 32 - 2;

function openHandle(): ZlibInternals<zlib.Inflate> {
  if (!inflate) {
    inflate = zlib.createInflate() as ZlibInternals<zlib.Inflate>;
    inflate.on('error', () => {}); // thrown by checkHandle
  }
  return inflate;
}

function checkHandle({ errored, destroyed }: ZlibInternals<zlib.Inflate>): void {
  if (!errored && !destroyed) return;
  inflate = undefined;
  throw errored ?? new Error('the stream cannot be inflated');
}

const byHandle: InflateInto = (input, output, at, size) => {
  if (size > LARGEST) throw new Error('the stream is too large for memory');
  const stream = openHandle();
  stream._handle.reset();
  stream._handle.writeSync(zlib.constants.Z_FINISH, input, 0, input.length, output, at, size + 1);
  checkHandle(stream);
  if (stream._writeState[0] !== 1) throw new Error('the stream has another size than its header says');
};

/**
 * Inflates the start of a stream of which only the start may be at hand.
 * @returns how many bytes of `output`, at most all, were filled
 * @throws Error when the stream is damaged
 */
export type InflateStart = (input: Uint8Array, output: Uint8Array) => number;

const startByHandle: InflateStart = (input, output) => {
  const stream = openHandle();
  stream._handle.reset();
  stream._handle.writeSync(zlib.constants.Z_SYNC_FLUSH, input, 0, input.length, output, 0, output.length);
  checkHandle(stream);
  return output.length - stream._writeState[0];
};

const startByCopy: InflateStart = (input, output) => {
  const finishFlush = zlib.constants.Z_SYNC_FLUSH;
  const data = zlib.inflateSync(input, { finishFlush, chunkSize: Math.max(64, output.length) });
  output.set(data.subarray(0, output.length));
  return Math.min(data.length, output.length);
};

const byCopy: InflateInto = (input, output, at, size) => {
  const data = zlib.inflateSync(input, { maxOutputLength: Math.max(1, size) });
  if (data.length !== size) throw new Error('the stream has another size than its header says');
  output.set(data, at);
};

/** Whether the handle inflates right, says so when it is asked for too much, and recovers from damage. */
export function works(candidate: InflateInto): boolean {
  const text = Buffer.from('some text, some text');
  const stream = zlib.deflateSync(text);
  const output = Buffer.alloc(text.length + 3);
  const fails = (input: Uint8Array, size: number) => {
    try {
      candidate(input, output, 0, size);
      return false;
    } catch {
      return true;
    }
  };
  try {
    if (!fails(stream, text.length + 1) || !fails(stream, text.length - 1)) return false;
    if (!fails(stream.subarray(4), text.length) || !fails(stream.subarray(0, 9), text.length)) return false;
    output.fill(0);
    candidate(Buffer.concat([stream, stream]), output, 1, text.length);
    return output.subarray(1, text.length + 1).equals(text) && output[0] === 0 && output.at(-1) === 0;
  } catch {
    return false;
  }
}

/** Whether the handle inflates the start of whole and cut streams, and recovers from damage. */
export function startWorks(candidate: InflateStart): boolean {
  const text = Buffer.from('some text, some text');
  const stream = zlib.deflateSync(text);
  const output = Buffer.alloc(9);
  try {
    candidate(stream.subarray(4), output);
    return false;
  } catch {
    // As it should be.
  }
  try {
    if (candidate(stream, output) !== 9 || !output.equals(text.subarray(0, 9))) return false;
    const cut = candidate(stream.subarray(0, 8), output);
    return cut < 9 && output.subarray(0, cut).equals(text.subarray(0, cut));
  } catch {
    return false;
  }
}

export const inflateStart: InflateStart = startWorks(startByHandle) ? startByHandle : startByCopy;
export const inflateInto: InflateInto = works(byHandle) ? byHandle : byCopy;
