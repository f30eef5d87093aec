import type { Source } from '../pack/bytes.ts';
import type { BitmapUse } from '../pack/count.ts';

/** What one request cost: logs, metrics and progress are views of it. Plain data; it crosses threads by value. */

/** `clone`: no haves; `fetch`: haves; `shallow`: with a depth or shallow commits; `none`: no pack was sent. */
export const FETCH_KINDS = ['clone', 'fetch', 'shallow', 'none'] as const;
export type FetchKind = (typeof FETCH_KINDS)[number];

export const SOURCES: readonly Source[] = ['verbatim', 'delta', 'stream', 'made', 'kept', 'deflated'];
export const BITMAP_USES: readonly BitmapUse[] = [
  'used',
  'absent',
  'unusable',
  'off',
  'shallow',
  'filter',
  'outside',
  'incomplete',
];

/** Seconds in each phase. */
export interface Phases {
  /** Opening the repository, wants, common commits, shallow boundaries. */
  negotiate: number;
  /** Waiting for a place to make the pack. */
  queue: number;
  /** Which objects. */
  count: number;
  /** How each is represented. */
  entries: number;
  /** Making the bytes. */
  bytes: number;
  /** Waiting for the client to take bytes. */
  wait: number;
}

/** When something went on, in milliseconds since 1970: from its first beginning to its last end. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface Statistics {
  /** The v2 command, or `advertise`. */
  command: string;
  kind: FetchKind;
  /** Whether the client did without some objects: a partial clone, or what it asks for later. */
  filtered: boolean;
  wants: number;
  haves: number;
  common: number;
  /** Refs listed, for `ls-refs`. */
  refs: number;
  phases: Phases;
  /** When each phase went on; phases that take turns overlap. None for what was made for another request. */
  spans: Partial<Record<keyof Phases, Span>>;
  /** Objects of the pack, by where they came from. */
  objects: Record<Source | 'total', number>;
  /** Bytes of the pack, by where they came from; header and trailer count in the total alone. */
  bytes: Record<Source | 'total', number>;
  /** Whether bitmaps said which objects to send, or why not; undefined without a pack. */
  bitmap: BitmapUse | undefined;
  /** How the stream cache answered; undefined where there is none, or no pack was asked for. */
  cache: 'hit' | 'follow' | 'miss' | 'bypass' | undefined;
  /** Objects of the pack, and of what the client has, that were found by walking. */
  walked: number;
  /** Commits that were read from their objects, for that and for the negotiation, as no commit-graph has them. */
  opened: number;
  /** Files that are damaged or stale and were passed over: nothing is wrong but the speed. */
  ignored: string[];
}

export function newStatistics(command: string): Statistics {
  return {
    command,
    kind: 'none',
    filtered: false,
    wants: 0,
    haves: 0,
    common: 0,
    refs: 0,
    phases: { negotiate: 0, queue: 0, count: 0, entries: 0, bytes: 0, wait: 0 },
    spans: {},
    objects: { total: 0, verbatim: 0, delta: 0, stream: 0, made: 0, kept: 0, deflated: 0 },
    bytes: { total: 0, verbatim: 0, delta: 0, stream: 0, made: 0, kept: 0, deflated: 0 },
    bitmap: undefined,
    cache: undefined,
    walked: 0,
    opened: 0,
    ignored: [],
  };
}
