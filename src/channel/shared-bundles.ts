/** What workers need to keep bundles within one budget; the main thread makes it, and reads the counters. */

/** Plain data; the counters are shared memory, of one element each. */
export interface SharedBundles {
  /** The cache directory. */
  readonly directory: string;
  /** Bytes of all bundles. */
  readonly budget: number;
  readonly counts: {
    /** Bytes that are kept. */
    readonly held: BigInt64Array;
    /** Bundles that left for want of room. */
    readonly evicted: BigInt64Array;
  };
}

export function createSharedBundles(directory: string, budget: number): SharedBundles {
  const counter = () => new BigInt64Array(new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT));
  return { directory, budget, counts: { held: counter(), evicted: counter() } };
}
