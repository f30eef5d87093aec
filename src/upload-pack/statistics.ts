/** What one request cost: logs, metrics and progress are views of it. Plain data; it crosses threads by value. */

/** `clone`: no haves; `fetch`: haves; `shallow`: with a depth or shallow commits; `none`: no pack was sent. */
export const FETCH_KINDS = ['clone', 'fetch', 'shallow', 'none'] as const;
export type FetchKind = (typeof FETCH_KINDS)[number];

/** Seconds in each phase. */
export interface Phases {
  /** Opening the repository, wants, negotiation. */
  resolve: number;
  /** Which objects. */
  count: number;
  /** How each is represented. */
  entries: number;
  /** Making the bytes. */
  bytes: number;
  /** Waiting for the client to take bytes. */
  wait: number;
}

export interface Statistics {
  /** The v2 command, or `advertise`. */
  command: string;
  kind: FetchKind;
  wants: number;
  haves: number;
  common: number;
  /** Refs listed, for `ls-refs`. */
  refs: number;
  phases: Phases;
  objects: { total: number; reused: number; deflated: number; deltas: number };
  /** Bytes of the pack, by where they came from; header and trailer count in the total alone. */
  bytes: { total: number; reused: number; deflated: number };
}

export function newStatistics(command: string): Statistics {
  return {
    command,
    kind: 'none',
    wants: 0,
    haves: 0,
    common: 0,
    refs: 0,
    phases: { resolve: 0, count: 0, entries: 0, bytes: 0, wait: 0 },
    objects: { total: 0, reused: 0, deflated: 0, deltas: 0 },
    bytes: { total: 0, reused: 0, deflated: 0 },
  };
}
