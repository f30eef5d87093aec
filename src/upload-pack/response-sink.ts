/** Where a response goes: to the main thread of the service, or to whoever called the library. */
import type { ChunkSink } from '../pack/pack-writer.ts';

export interface ResponseSink extends ChunkSink {
  /** Whole pkt-lines outside of the pack's frames. The sink copies them: `bytes` stay the caller's. */
  sendLines(bytes: Uint8Array): void | Promise<void>;
  /** The line after which everything is framed; from here on a failure is told on band 3. */
  openPack(line: Uint8Array): void | Promise<void>;
  /** Text for people (band 2), once the pack section has begun. It keeps its place before what is sent later. */
  sendProgress(text: string): void;
  /** Seconds that the sink has made its sender wait so far. */
  readonly waited: number;
}
