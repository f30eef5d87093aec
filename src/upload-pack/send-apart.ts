/** A pack that is made for more than the client that asked for it first, and outlives it. */
import type { CountRequest } from '../pack/count.ts';
import type { CommandContext } from './command.ts';
import type { Apart } from './response-sink.ts';
import { type PackOptions, sendPack } from './send-pack.ts';
import { Stopwatch } from './stopwatch.ts';

/** Sends the pack there; how that ended is said there too. Never rejects. */
export async function sendApart(
  { repository, ownBitmaps, entryStore, statistics: begun }: CommandContext,
  { sink, pace, end, fail }: Apart,
  request: CountRequest,
  options: PackOptions,
): Promise<void> {
  // What was found out about the request so far is part of what the pack cost.
  const statistics = structuredClone(begun);
  const watch = new Stopwatch(statistics, [sink]);
  const settle = () => {
    watch.stop();
    statistics.ignored.push(...repository.indexProblems);
  };
  repository.retain();
  try {
    await sendPack({ repository, ownBitmaps, entryStore, sink, pace, statistics, watch }, request, options);
    settle();
    end(statistics);
  } catch (error) {
    settle();
    fail(error, statistics);
  } finally {
    repository.close();
  }
}
