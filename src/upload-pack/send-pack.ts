/** The pack section of a response: count, entries, bytes, one after the other, with progress and statistics. */
import { EntryWriter } from '../pack/bytes.ts';
import { type Count, type CountRequest, count } from '../pack/count.ts';
import { type MadeDelta, searchDeltas } from '../pack/delta-search.ts';
import { deltaCandidates } from '../pack/delta-targets.ts';
import { EntryPlanner } from '../pack/entries.ts';
import { encodePackHeader } from '../pack/entry-header.ts';
import type { PackOrder } from '../pack/pack-order.ts';
import { PackWriter } from '../pack/pack-writer.ts';
import { FLUSH } from '../protocol/pkt-line.ts';
import { findBitmaps } from './bitmaps.ts';
import type { CommandContext } from './command.ts';
import { type PackSettings, readPackSettings } from './pack-settings.ts';
import { Progress } from './progress.ts';
import type { PackSink } from './response-sink.ts';

/** Entries planned before they are written. */
const BATCH = 512;

export interface PackOptions {
  readonly thin: boolean;
  readonly ofsDelta: boolean;
  readonly silent: boolean;
  readonly elsewhere?: Elsewhere | undefined;
}

/** Objects that the client gets elsewhere. */
export interface Elsewhere {
  /** Their numbers. */
  readonly objects: readonly number[];
  /** Begins the pack; `leftOut` are those that would be in it otherwise. */
  readonly begin: (leftOut: readonly number[]) => Promise<void>;
}

/** What it takes to make a pack. */
export interface PackContext
  extends Pick<CommandContext, 'repository' | 'ownBitmaps' | 'entryStore' | 'pace' | 'statistics' | 'watch'> {
  readonly sink: PackSink;
}

/** Sends the pack, in bands that are open by the time it begins, and closes them. */
export async function sendPack(
  context: PackContext,
  request: CountRequest,
  options: PackOptions,
): Promise<void> {
  const { repository, sink } = context;
  const settings = readPackSettings(repository.config);
  const progress = new Progress(sink, options.silent);
  const chosen = await choose(context, request, options, settings, progress);
  // A client may take hours: what was asked for, and how the objects were found, is let go of meanwhile.
  repository.forgetHistory();
  return sendEntries(context, chosen, options.ofsDelta, settings, progress);
}

interface Chosen {
  readonly order: PackOrder;
  readonly planner: EntryPlanner;
}

/** Which objects are sent, and how. */
async function choose(
  context: PackContext,
  request: CountRequest,
  { thin, ofsDelta, elsewhere }: PackOptions,
  settings: PackSettings,
  progress: Progress,
): Promise<Chosen> {
  const { repository, pace, statistics, watch } = context;
  const { objects } = repository;
  watch.start('count');
  const asked = { ...request, elsewhere: elsewhere?.objects };
  const counted = await count(objects, asked, await findBitmaps(context), pace, (n) =>
    progress.counting('Enumerating objects', n),
  );
  await elsewhere?.begin(counted.leftOut);
  const { objects: order } = counted;
  statistics.objects.total = order.length;
  statistics.bitmap = counted.bitmap;
  statistics.walked = counted.walked;
  statistics.opened += counted.opened;
  progress.enumerated(order.length);
  watch.start('entries');
  const made = await findDeltas(context, counted, thin, settings);
  const planner = new EntryPlanner(objects, counted, { thin, ofsDelta, runs: settings.runs }, made);
  return { order, planner };
}

async function sendEntries(
  { repository, entryStore, sink, pace, statistics, watch }: PackContext,
  { order, planner }: Chosen,
  ofsDelta: boolean,
  { level, largest }: PackSettings,
  progress: Progress,
): Promise<void> {
  watch.start('bytes');
  const writer = new PackWriter(sink, repository.format.name);
  const form = { directory: repository.commonDirectory, hash: repository.format.name, level };
  const kept = await entryStore?.open(form, repository.ignore, pace.pauseIfDue);
  const options = { ofsDelta, level, largest, kept };
  const entries = new EntryWriter(repository.objects, order, writer, options, pace);
  try {
    await writer.write(encodePackHeader(order.length));
    for (;;) {
      watch.start('entries');
      const batch = planner.plan(BATCH);
      watch.start('bytes');
      if (batch.length === 0) break;
      for (const entry of batch) {
        await entries.write(entry);
        if (pace.due()) await pace.pause();
      }
    }
    watch.start('bytes');
    progress.total(entries.objects, entries.bytes, entries.packs.size, statistics);
    await writer.finish();
  } finally {
    kept?.close();
    // What was sent counts, whether the client stayed for all of it or not.
    Object.assign(statistics.objects, entries.objects);
    Object.assign(statistics.bytes, entries.bytes, { total: writer.offset });
  }
  await sink.closeBands(sink.framing === 'none' ? new Uint8Array() : FLUSH);
}

/** New deltas by the number of their object: for a fetch, whose objects are mostly stored as bases of older ones. */
async function findDeltas(
  { repository, pace }: PackContext,
  counted: Count,
  thin: boolean,
  settings: PackSettings,
): Promise<ReadonlyMap<number, MadeDelta>> {
  const { objects } = repository;
  if (!counted.hints || settings.window <= 0 || settings.depth <= 0) return new Map();
  const candidates = await deltaCandidates(objects, counted, counted.hints, thin, pace);
  return searchDeltas(objects, candidates, settings, pace);
}
