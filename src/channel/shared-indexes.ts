/** What workers have in common to share index files, made by the main thread, which reads the counters. */
import { randomUUID } from 'node:crypto';

/** Kinds of index files, as metrics name them. */
export const INDEX_KINDS = ['idx', 'rev', 'bitmap', 'midx', 'graph', 'refs', 'other'] as const;
export type IndexKind = (typeof INDEX_KINDS)[number];

/** Plain data over shared memory; each counter has one element. */
export interface SharedIndexes {
  /** Name of the channel on which the workers tell each other what they hold. */
  readonly channel: string;
  /** Bytes that they may hold, all together. */
  readonly budget: number;
  /** Goes up with every use of a file. */
  readonly clock: BigInt64Array;
  /** Bytes held now. */
  readonly held: BigInt64Array;
  /** Files read since the start. */
  readonly loads: Readonly<Record<IndexKind, BigInt64Array>>;
}

export function createSharedIndexes(budget: number): SharedIndexes {
  const counter = () => new BigInt64Array(new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT));
  return {
    channel: `packhorse-indexes-${randomUUID()}`,
    budget,
    clock: counter(),
    held: counter(),
    loads: Object.fromEntries(INDEX_KINDS.map((kind) => [kind, counter()])) as SharedIndexes['loads'],
  };
}
