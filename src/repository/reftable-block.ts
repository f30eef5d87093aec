/** One block of a reftable: records in the order of their keys, and a table of restarts where keys stand whole. */

export const REF_BLOCK = 'r'.charCodeAt(0);
export const INDEX_BLOCK = 'i'.charCodeAt(0);
export const LOG_BLOCK = 'g'.charCodeAt(0);

/** The type, then the length. */
const HEADER = 4;
const RESTART = 3;
const COUNT = 2;

/** Makes the error that is thrown where a table makes no sense. */
export type Fail = (what: string) => Error;

/** A table with one block after the other. */
export interface Blocks {
  readonly data: Buffer;
  /** Bytes of the file's header: the first block shares its block with that. */
  readonly header: number;
  /** Where blocks end at the latest. */
  readonly limit: number;
  /** Bytes of an object id. */
  readonly hash: number;
  readonly fail: Fail;
}

/** Positions are bytes into the file. */
export interface Block {
  readonly type: number;
  readonly start: number;
  /** The first record. */
  readonly records: number;
  /** The table of restarts, where records end. */
  readonly restarts: number;
  readonly restartCount: number;
  /** Behind the table; padding may follow. */
  readonly end: number;
}

/** The block that begins at `start`, of a type that is not compressed. */
export function readBlock({ data, header, limit, fail }: Blocks, start: number): Block {
  const head = start === 0 ? header : start;
  const records = head + HEADER;
  if (records + COUNT > limit) throw fail('a block is cut short');
  const end = start + data.readUIntBE(head + 1, 3);
  if (end > limit || end < records + COUNT) throw fail('the length of a block is wrong');
  const restartCount = data.readUInt16BE(end - COUNT);
  const restarts = end - COUNT - restartCount * RESTART;
  if (restartCount === 0 || restarts <= records) throw fail('the restarts of a block are wrong');
  return { type: data[head], start, records, restarts, restartCount, end };
}

/** Where the record of a restart begins. */
export function restartAt(data: Buffer, { start, restarts }: Block, restart: number): number {
  return start + data.readUIntBE(restarts + restart * RESTART, 3);
}
