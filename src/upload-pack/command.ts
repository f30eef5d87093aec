/** What a command is given, and what one is. */
import type { Pace } from '../pack/pace.ts';
import type { LineBudget } from '../protocol/line-budget.ts';
import type { Arguments } from '../protocol/v2-request.ts';
import type { Repository } from '../repository/repository.ts';
import type { BundleStore } from '../store/bundles/bundle-store.ts';
import type { EntryStore } from '../store/entries/entry-store.ts';
import type { OwnBitmaps } from '../store/own-bitmaps.ts';
import type { ResponseSink } from './response-sink.ts';
import type { Statistics } from './statistics.ts';
import type { Stopwatch } from './stopwatch.ts';

export interface CommandContext {
  readonly repository: Repository;
  /** Where bitmaps of our own are, if anywhere. */
  readonly ownBitmaps: OwnBitmaps | undefined;
  /** Where bundles of our own are, where this client can be given some. */
  readonly bundles: BundleStore | undefined;
  /** Where entries are kept that had to be made anew, if anywhere. */
  readonly entryStore: EntryStore | undefined;
  readonly sink: ResponseSink;
  readonly pace: Pace;
  readonly statistics: Statistics;
  readonly watch: Stopwatch;
  /** Whether packs are to be named for whoever keeps them, and below which directory alike on every machine. */
  readonly namesPacks: boolean | { readonly below: string };
  /** What may be kept of the request. */
  readonly budget: LineBudget;
}

/** What a client of protocol v2 says by capabilities; it holds for all that follows on a connection, as in git. */
export interface Terms {
  /** The object format that the client goes by, one that git knows. */
  readonly format: string;
  /** Whether the client gets from elsewhere what a promisor remote has promised and is not here. */
  readonly missingPromised: boolean;
}

/** @param args what stands behind the delimiter */
export type Command = (context: CommandContext, args: Arguments, terms: Terms) => Promise<void>;
