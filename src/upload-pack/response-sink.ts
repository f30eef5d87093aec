/** Where a response goes: to the main thread of the service, or to whoever called the library. */
import type { ChunkSink } from '../pack/pack-writer.ts';
import type { Framing } from '../protocol/sideband.ts';

export interface PlaceRequest {
  /** Whether the client has something that the pack builds on: it is much less work then. */
  readonly lane: 'fetch' | 'clone';
  /** Seconds of silence in the pack section after which something is to be sent; 0: nothing is. */
  readonly keepAlive: number;
  /** The band on which that is sent: 2 where the pack section may not have begun. */
  readonly band: 1 | 2;
  /** Whether the client does not want to be told of progress. */
  readonly silent: boolean;
}

export interface ResponseSink extends ChunkSink {
  /** Bytes as they are: whole pkt-lines. The sink copies them: `bytes` stay the caller's. */
  sendLines(bytes: Uint8Array): void | Promise<void>;
  /** Lines after which there are bands, so framed: progress may be sent, and a failure is told on band 3. */
  openBands(bytes: Uint8Array, framing: Framing): void | Promise<void>;
  /** Lines after which there are no bands any more. */
  closeBands(bytes: Uint8Array): void | Promise<void>;
  /** Text for people (band 2), while there are bands. It keeps its place before what is sent later. */
  sendProgress(text: string): void;
  /** Asks for leave to make a pack, before any work for it; what was sent before may wait for that too. */
  enter(place: PlaceRequest): void | Promise<void>;
  /** Seconds that the sink has made its sender wait so far. */
  readonly waited: number;
}
