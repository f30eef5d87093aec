/** The pool's worker: runs the tasks of the main thread against repositories, each with a channel of its own. */
import fs from 'node:fs';
import path from 'node:path';
import { type MessagePort, workerData } from 'node:worker_threads';
import type { SentTask, ThreadSettings } from '../src/channel/task.ts';
import { errorToWire } from '../src/errors.ts';
import { Pace } from '../src/pack/pace.ts';
import { collectGarbage } from '../src/repository/collect-garbage.ts';
import { parseAssignment } from '../src/repository/config-command.ts';
import { REPOSITORY_ONLY } from '../src/repository/read-config.ts';
import { DEFAULT_BUDGETS, RepositoryCaches } from '../src/repository/repository-caches.ts';
import { BundleStore } from '../src/store/bundles/bundle-store.ts';
import { EntryStore } from '../src/store/entries/entry-store.ts';
import { OwnBitmaps } from '../src/store/own-bitmaps.ts';
import { newStatistics, type Statistics } from '../src/upload-pack/statistics.ts';
import { type Connection, UploadPack } from '../src/upload-pack/upload-pack.ts';
import { ChannelSink } from './channel-sink.ts';
import * as serving from './serving.ts';

/** Milliseconds. A repository that no one fetches from is closed after one to two of them. */
const IDLE_CHECK = 60_000;

/** Milliseconds that work for no client rests after each stretch of 5 while clients are being served. */
const BACKGROUND_REST = 20;

/** Milliseconds between two looks for bundles that are of no use any more. */
const SWEEP = 3_600_000;

/** Milliseconds between two signs of life. */
const BEAT = 200;

const settings = workerData as ThreadSettings;
setInterval(() => Atomics.add(settings.heartbeat, 0, 1), BEAT).unref();
const { indexes } = settings;
const caches = new RepositoryCaches({ ...DEFAULT_BUDGETS, indexes: indexes.budget }, { sharing: indexes });
const ownBitmaps = settings.ownBitmaps === undefined ? undefined : new OwnBitmaps(settings.ownBitmaps);
const bundles = settings.bundles && new BundleStore(settings.bundles.directory, settings.bundles);
// The budget may be smaller than that of the service before.
bundles?.sweep();
setInterval(() => bundles?.sweep(), SWEEP).unref();
const entryStore = settings.entryStore && new EntryStore(settings.entryStore);
setInterval(() => {
  caches.closeIdle();
  entryStore?.closeIdle();
  // V8 would let what requests left behind pile up to several times of what is in use.
  if (serving.hasServed()) collectGarbage();
}, IDLE_CHECK).unref();
const roots = [settings.root, ...settings.allowed].map((directory) => fs.realpathSync(directory));
const allowed = (real: string) => roots.some((root) => real === root || real.startsWith(root + path.sep));
const config = { ...REPOSITORY_ONLY, defaults: settings.gitConfig.map(parseAssignment) };

/** Called once at the start: that it answers says that the worker has loaded. */
export function ready(): void {}

export { collectGarbage };

/** Runs one task; how it ended is said on its channel, not by the promise. */
export default async function run({ task, port }: { task: SentTask; port: MessagePort }): Promise<void> {
  const forClient = task.work.kind !== 'build-bitmaps' && task.work.kind !== 'build-bundle';
  const pace = new Pace(forClient ? undefined : () => (serving.isServing() ? BACKGROUND_REST : 0));
  if (forClient) serving.begin();
  const sink = new ChannelSink(port, task.window, pace);
  let statistics = newStatistics('none');
  const answered = () => {
    sink.answered(statistics);
    statistics = newStatistics('none');
  };
  const begin = () => {
    sink.began();
    return statistics;
  };
  try {
    pace.check();
    await answer(task, { sink, pace, begin, answered, input: sink.input }, statistics);
    sink.end(statistics);
  } catch (error) {
    sink.fail(errorToWire(error), statistics);
  } finally {
    if (forClient) serving.end();
    port.unref();
  }
}

async function answer(
  { path: repository, gate, work, traceparent }: SentTask,
  connection: Connection & { readonly sink: ChannelSink },
  statistics: Statistics,
): Promise<void> {
  const { sink, pace } = connection;
  const server = new UploadPack(path.join(settings.root, repository), {
    caches,
    allowed,
    config,
    gate,
    traceparent,
    exportOk: settings.exportOk,
    namespace: settings.namespace,
    namesPacks: settings.namesPacks,
    ...(ownBitmaps && { ownBitmaps }),
    // Their addresses are relative ones, which git:// and SSH lead nowhere.
    ...(bundles && work.kind !== 'converse' && { bundles }),
    ...(entryStore && { entryStore }),
  });
  switch (work.kind) {
    case 'advertise':
      return server.advertise(work.version, { sink, pace, statistics });
    case 'answer':
      return server.answer(work.version, sink.input, { sink, pace, statistics });
    case 'converse':
      return server.converse(work.version, connection);
    case 'file':
      return server.sendFile(work.name, { sink, pace, statistics }, (file) => sink.announceFile(file));
    case 'bundle':
      return server.sendBundle(work, { sink, pace, statistics }, (file) => sink.announceFile(file));
    case 'build-bundle':
      return server.buildBundle({ sink, pace, statistics });
    case 'build-bitmaps':
      statistics.bytes.total = (await server.buildBitmaps(ownBitmaps!, pace)) ?? 0;
  }
}
