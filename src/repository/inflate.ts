/** Inflating: whole zlib streams that fit in memory, and slices of those that do not. */
import { pipeline, Readable } from 'node:stream';
import zlib from 'node:zlib';
import { repositoryCorrupt } from '../errors.ts';

/**
 * Inflates a stream whose inflated size is known.
 * @param stream the zlib stream; bytes behind its end are ignored
 * @param size inflated bytes
 * @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT` when the stream is damaged or has another size
 */
export function inflate(stream: Uint8Array, size: number): Buffer {
  let data: Buffer;
  try {
    data = zlib.inflateSync(stream, {
      chunkSize: Math.max(64, size + 1),
      maxOutputLength: Math.max(1, size),
    });
  } catch (error) {
    throw repositoryCorrupt(`a zlib stream is damaged (${(error as Error).message})`, error);
  }
  if (data.length !== size) throw repositoryCorrupt('a zlib stream has another size than its header says');
  return data;
}

/** Inflates up to `limit` bytes of a stream of which only the start is at hand. */
export function inflateHead(start: Uint8Array, limit: number): Buffer {
  try {
    const head = zlib.inflateSync(start, {
      finishFlush: zlib.constants.Z_SYNC_FLUSH,
      chunkSize: Math.max(64, limit),
    });
    return head.subarray(0, limit);
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
