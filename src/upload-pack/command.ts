/** What a command is given, and what one is. */
import type { Pace } from '../pack/pace.ts';
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

/** @param args the lines behind the delimiter, byte strings without LF */
export type Command = (context: CommandContext, args: readonly string[]) => Promise<void>;
