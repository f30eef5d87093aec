/** Multi-pack-indexes as git would not write them. */
import crypto from 'node:crypto';
import type { ObjectFormat } from '../../src/repository/object-format.ts';

/** The parts of a file that can be changed; what is not a chunk is the header. */
export interface Parts {
  header: Buffer;
  chunks: Map<string, Buffer>;
}

/** The same file with other parts, and the right checksum. */
export function edited(data: Buffer, format: ObjectFormat, edit: (parts: Parts) => void): Buffer {
  const header = Buffer.from(data.subarray(0, 12));
  const row = (i: number) => 12 + i * 12;
  const offset = (i: number) => Number(data.readBigUInt64BE(row(i) + 4));
  const chunks = new Map<string, Buffer>();
  for (let i = 0; i < header[6]; i++) {
    const name = data.toString('latin1', row(i), row(i) + 4);
    chunks.set(name, Buffer.from(data.subarray(offset(i), offset(i + 1))));
  }
  const parts = { header, chunks };
  edit(parts);
  parts.header[6] = chunks.size;
  const table = Buffer.alloc((chunks.size + 1) * 12);
  let at = 12 + table.length;
  for (const [i, [name, chunk]] of [...chunks, ['\0\0\0\0', Buffer.alloc(0)] as const].entries()) {
    table.write(name, i * 12, 'latin1');
    table.writeBigUInt64BE(BigInt(at), i * 12 + 4);
    at += chunk.length;
  }
  return sealed(Buffer.concat([parts.header, table, ...chunks.values()]), format);
}

/** With the hash that ends a file. */
export function sealed(body: Buffer, format: ObjectFormat): Buffer {
  return Buffer.concat([body, crypto.createHash(format.name).update(body).digest()]);
}
