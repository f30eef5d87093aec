/** What a command is given, and what one is. */
import type { Pace } from '../pack/pace.ts';
import type { Arguments } from '../protocol/v2-request.ts';
import type { Repository } from '../repository/repository.ts';
import type { OwnBitmaps } from '../store/own-bitmaps.ts';
import type { ResponseSink } from './response-sink.ts';
import type { Statistics } from './statistics.ts';
import type { Stopwatch } from './stopwatch.ts';

export interface CommandContext {
  readonly repository: Repository;
  /** Where bitmaps of our own are, if anywhere. */
  readonly ownBitmaps: OwnBitmaps | undefined;
  readonly sink: ResponseSink;
  readonly pace: Pace;
  readonly statistics: Statistics;
  readonly watch: Stopwatch;
}

/** What a request of protocol v2 says by its capabilities. */
export interface Terms {
  /** The object format that the client goes by, one that git knows. */
  readonly format: string;
}

/** @param args what stands behind the delimiter */
export type Command = (context: CommandContext, args: Arguments, terms: Terms) => Promise<void>;
