/** The hash over a whole file that ends it. */
import crypto from 'node:crypto';
import type { Stretches } from '../stretches.ts';
import type { IndexFile } from './index-files.ts';
import type { ObjectFormat } from './object-format.ts';

/** Bytes that are hashed in one stretch: some 0.5 ms. */
const SLICE_BYTES = 2 ** 19;

/** Whether a file is what was written: looked at once, as long as the file is held. */
export function* hasSoundTrailer(
  file: Pick<IndexFile, 'data' | 'derive'>,
  format: ObjectFormat,
): Stretches<boolean> {
  const { sound } = yield* file.derive('checked', function* () {
    return { sound: Uint8Array.of((yield* endsWithHash(file.data, format)) ? 1 : 0) };
  });
  return sound[0] === 1;
}

/** Whether the last bytes of `data` are the hash of those before. */
export function* endsWithHash(data: Uint8Array, format: ObjectFormat): Stretches<boolean> {
  const end = Math.max(0, data.length - format.bytes);
  const hash = crypto.createHash(format.name);
  for (let at = 0; at < end; at += SLICE_BYTES) {
    if (at > 0) yield;
    hash.update(data.subarray(at, Math.min(end, at + SLICE_BYTES)));
  }
  return hash.digest().equals(data.subarray(end));
}
