/** What all doors share. */
import type { BlockList } from 'node:net';
import type { Admission } from './admission/admission.ts';
import type { WorkerPool } from './pool.ts';

export interface Serving {
  readonly pool: WorkerPool;
  readonly admission: Admission;
  /** Peers whose word is taken for who their client is. */
  readonly trustedProxies: BlockList;
  /** How a client that asks for a pack over HTTP is turned away: in git's words, or for a proxy that asks elsewhere. */
  readonly refuseWith: 'err' | '429';
}
