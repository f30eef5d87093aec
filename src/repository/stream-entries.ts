/** Entries of packs slice by slice, however large they are. */
import { applyDeltaStream } from './apply-delta-stream.ts';
import { damaged } from './entry-faults.ts';
import { inflateStream } from './inflate.ts';
import type { PackedAt } from './object-view.ts';
import type { EntryHeader } from './pack-file.ts';
import { Spool } from './spool.ts';

/** What an entry stores, inflated slice by slice. */
export async function* streamStored({ pack, rank }: PackedAt, header: EntryHeader): AsyncGenerator<Buffer> {
  let left = header.size;
  try {
    for await (const piece of inflateStream(pack.slices(header.data, pack.end(rank)))) {
      left -= piece.length;
      if (left < 0) break;
      yield piece;
    }
  } catch (error) {
    throw damaged(pack, rank, error);
  }
  if (left !== 0) throw damaged(pack, rank, new Error('it has another size than its header says'));
}

/** What a delta makes of its base, which is put into a temporary file. */
export async function* streamRebuilt(
  base: AsyncIterable<Buffer>,
  delta: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  const spool = await Spool.from(base);
  try {
    yield* applyDeltaStream(spool, delta);
  } finally {
    spool.close();
  }
}
