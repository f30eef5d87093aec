/** What can be seen of an answer while it is on its way. */
import type { FetchKind } from '../upload-pack/statistics.ts';

/** `count`: until the first byte of the pack, so that it takes in how its objects are represented. */
export type LivePhase = 'queue' | 'negotiate' | 'count' | 'bytes';

/** Read when someone asks; nothing is done for it before. */
export interface LiveAnswer {
  readonly phase: LivePhase;
  /** `none` until a pack is asked for. */
  readonly kind: FetchKind;
  /** How many are before it in its queue, as far as that was told. */
  readonly ahead: number;
  /** Bytes written so far, framing included. */
  readonly sent: number;
  /** Seconds for which the client has taken nothing of what there is. */
  readonly stalled: number;
}
