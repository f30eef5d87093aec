/** Files of named chunks (multi-pack-index, commit-graph): the table that says where each chunk lies. */

export interface Chunk {
  readonly start: number;
  readonly end: number;
}

/** A row: a name of four letters, then where the chunk starts, 64 bits. */
const ROW_BYTES = 12;

/**
 * The chunks of a file, by name.
 * @param at where the table's first row stands
 * @param count rows, without the last one, which only says where the last chunk ends
 * @param limit where the trailing hash starts
 * @param fail makes the error that is thrown where the table makes no sense
 */
export function readChunks(
  data: Buffer,
  at: number,
  count: number,
  limit: number,
  fail: (what: string) => Error,
): ReadonlyMap<string, Chunk> {
  const chunks = new Map<string, Chunk>();
  if (at + (count + 1) * ROW_BYTES > limit) throw fail('its table of chunks is cut short');
  const offset = (row: number) => data.readUInt32BE(row + 4) * 2 ** 32 + data.readUInt32BE(row + 8);
  for (let row = at; row < at + count * ROW_BYTES; row += ROW_BYTES) {
    const name = data.toString('latin1', row, row + 4);
    const start = offset(row);
    const end = offset(row + ROW_BYTES);
    if (end < start || end > limit || chunks.has(name)) throw fail('its table of chunks is wrong');
    chunks.set(name, { start, end });
  }
  if (data.readUInt32BE(at + count * ROW_BYTES) !== 0) throw fail('its table of chunks has no end');
  return chunks;
}
