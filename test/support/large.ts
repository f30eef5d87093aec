/** Repositories whose packs are far larger than what sockets and windows hold, so a fetch that pauses is in flight. */
import { createRepository, History, noise } from './history.ts';

const MIB = 2 ** 20;
const BLOBS = 6;
const BLOB_BYTES = 4 * MIB;
/** Less than the pack of {@link createLarge}, more than a paused client can leave on its way. */
export const LARGE_PACK_BYTES = BLOBS * BLOB_BYTES;

/** 24 MiB in 6 blobs, each commit with one more; in one pack, or loose. */
export function createLarge(root: string, name: string, loose = false): string {
  const source = createRepository(root, name);
  const history = new History();
  for (let n = 0; n < BLOBS; n++) {
    history.commit({ branch: 'main', files: { [`blob${n}`]: noise(BLOB_BYTES, n + 1) } });
  }
  history.tag('v1', ':1');
  history.importInto(source, loose, ['-c', 'core.compression=0']);
  return source;
}
