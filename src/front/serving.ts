/** What all doors share. */
import type { BlockList } from 'node:net';
import type { Admission } from './admission/admission.ts';
import type { Authorize } from './auth/access.ts';
import type { Drain } from './drain.ts';
import type { WorkerPool } from './pool.ts';
import type { StreamCache } from './stream-cache/stream-cache.ts';
import type { ClientTimeouts } from './timeouts.ts';

export interface Serving {
  readonly pool: WorkerPool;
  readonly admission: Admission;
  /** Asked before anything else, by every door that can say who its client is. */
  readonly authorize: Authorize;
  /** Packs that are kept; undefined: none are. */
  readonly cache: StreamCache | undefined;
  /** Peers whose word is taken for who their client is. */
  readonly trustedProxies: BlockList;
  /** How a client that asks for a pack over HTTP is turned away: in git's words, or for a proxy that asks elsewhere. */
  readonly refuseWith: 'err' | '429';
  readonly timeouts: ClientTimeouts;
  readonly drain: Drain;
}
