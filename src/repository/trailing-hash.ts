/** The hash over a whole file that ends it. */
import crypto from 'node:crypto';
import type { IndexFile } from './index-files.ts';
import type { ObjectFormat } from './object-format.ts';

/** Whether a file is what was written: looked at once, as long as the file is held. */
export function hasSoundTrailer(file: Pick<IndexFile, 'data' | 'derive'>, format: ObjectFormat): boolean {
  const { sound } = file.derive('checked', () => {
    const end = Math.max(0, file.data.length - format.bytes);
    const hash = crypto.createHash(format.name).update(file.data.subarray(0, end)).digest();
    return { sound: Uint8Array.of(hash.equals(file.data.subarray(end)) ? 1 : 0) };
  });
  return sound[0] === 1;
}
