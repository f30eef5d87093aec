/** Where a response goes: to the main thread of the service, or to whoever called the library. */

import type { Pace } from '../pack/pace.ts';
import type { ChunkSink } from '../pack/pack-writer.ts';
import type { Framing } from '../protocol/sideband.ts';
import type { Statistics } from './statistics.ts';

export interface PlaceRequest {
  /** Whether the client has something that the pack builds on: it is much less work then. */
  readonly lane: 'fetch' | 'clone';
  /** Seconds of silence in the pack section after which something is to be sent; 0: nothing is. */
  readonly keepAlive: number;
  /** The band on which that is sent: 2 where the pack section may not have begun. */
  readonly band: 1 | 2;
  /** Whether the client does not want to be told of progress. */
  readonly silent: boolean;
  /** Names the pack: those that are asked for under one name are the same, byte for byte. */
  readonly key?: string | undefined;
  readonly kind: 'clone' | 'fetch' | 'shallow';
  /** The real path of the git directory, the common one of all worktrees. */
  readonly directory: string;
}

/** Where a pack is made for more than the one who asked first. */
export interface Apart {
  readonly sink: PackSink;
  readonly pace: Pace;
  end(statistics: Statistics): void;
  fail(error: unknown, statistics: Statistics): void;
}

/** What is to become of a pack: it goes `here`, where the rest of the answer does; its client gets it without us; it is made apart. */
export type Leave = 'here' | 'served' | Apart;

/** Where the pack section of a response goes. */
export interface PackSink extends ChunkSink {
  /** Lines after which there are no bands any more. */
  closeBands(bytes: Uint8Array): void | Promise<void>;
  /** Text for people (band 2), while there are bands. It keeps its place before what is sent later. */
  sendProgress(text: string): void;
  /** Seconds that the sink has made its sender wait so far. */
  readonly waited: number;
}

export interface ResponseSink extends PackSink {
  /** Bytes as they are: whole pkt-lines. The sink copies them: `bytes` stay the caller's. */
  sendLines(bytes: Uint8Array): void | Promise<void>;
  /** Lines after which there are bands, so framed: progress may be sent, and a failure is told on band 3. */
  openBands(bytes: Uint8Array, framing: Framing): void | Promise<void>;
  /**
   * Asks for leave to make a pack, before any work for it; what was sent before may wait for that too.
   * @param statistics what is known of the request so far
   */
  enter(place: PlaceRequest, statistics: Statistics): Leave | Promise<Leave>;
}
