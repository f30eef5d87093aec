/** Inflating parts: the head of a zlib stream, or all of a large one slice by slice. */
import { pipeline, Readable } from 'node:stream';
import zlib from 'node:zlib';
import { repositoryCorrupt } from '../errors.ts';
import { inflateStart } from './zlib-handle.ts';

/** Inflates up to `limit` bytes of a stream of which only the start is at hand. */
export function inflateHead(start: Uint8Array, limit: number): Buffer {
  try {
    const head = Buffer.allocUnsafe(limit);
    return head.subarray(0, inflateStart(start, head));
  } catch (error) {
    throw repositoryCorrupt(`a zlib stream is damaged (${(error as Error).message})`, error);
  }
}

/** Inflates a stream slice by slice. A damaged one throws zlib's error from the loop. */
export function inflateStream(stored: Iterable<Buffer> | Readable): AsyncIterable<Buffer> {
  const inflated = zlib.createInflate({ chunkSize: 64 * 1024 });
  pipeline(stored instanceof Readable ? stored : Readable.from(stored), inflated, () => {});
  return inflated;
}
