/** The hash that ends every index file. git looks at it in `fsck` only; here a damaged file is not to be trusted. */
import crypto from 'node:crypto';
import type { IndexFile } from './index-files.ts';
import type { ObjectFormat } from './object-format.ts';

/** Whether the file ends with the hash of what comes before. Looked at once for as long as the file is held. */
export function hasTrailingHash(file: Pick<IndexFile, 'data' | 'derive'>, format: ObjectFormat): boolean {
  const { right } = file.derive('trailing hash', () => {
    const end = file.data.length - format.bytes;
    const hash = crypto
      .createHash(format.name)
      .update(file.data.subarray(0, Math.max(0, end)))
      .digest();
    return { right: Uint8Array.of(end >= 0 && hash.equals(file.data.subarray(end)) ? 1 : 0) };
  });
  return right[0] === 1;
}
