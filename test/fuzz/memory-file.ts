/** An index file that no disk holds. */
import { type CopyOwner, IndexCopy, type IndexFile } from '../../src/repository/index-copy.ts';

const NOBODY: CopyOwner = { shared: false, tick: () => 0n, receive() {}, grown() {} };

/** Where the file begins in its memory. */
const HEADER_BYTES = 64;

export function memoryFile(data: Uint8Array, path = 'file'): IndexFile {
  const memory = new ArrayBuffer(HEADER_BYTES + data.length);
  new Uint8Array(memory, HEADER_BYTES).set(data);
  return new IndexCopy({ path, identity: '', serial: 0n, memory, derived: new Map() }, NOBODY);
}
