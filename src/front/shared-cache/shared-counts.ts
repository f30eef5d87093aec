/** What is to be seen of the shared cache. */
export const SHARED_RESULTS = ['hit', 'miss', 'timeout', 'error', 'invalid'] as const;
/**
 * What came of asking the store: `timeout`: nothing in time; `error`: it failed, or there is no room for what it has;
 * `invalid`: what it has is damaged, or another stream.
 */
export type SharedResult = (typeof SHARED_RESULTS)[number];

export const SHARED_WRITES = ['written', 'present', 'dropped', 'error'] as const;
/** What came of a stream that was made here; `present`: another one was faster; `dropped`: it was not tried. */
export type SharedWrite = (typeof SHARED_WRITES)[number];

export class SharedCounts {
  readonly requests: Record<SharedResult, number> = { hit: 0, miss: 0, timeout: 0, error: 0, invalid: 0 };
  readonly writes: Record<SharedWrite, number> = { written: 0, present: 0, dropped: 0, error: 0 };
  /** Bytes of files, whatever came of them. */
  read = 0;
  /** Bytes of files that the store has taken. */
  written = 0;
}
