/** The pool's worker: runs the tasks of the main thread against repositories, each with a channel of its own. */
import fs from 'node:fs';
import path from 'node:path';
import { type MessagePort, workerData } from 'node:worker_threads';
import type { Task, WorkerSettings } from '../src/channel/task.ts';
import { errorToWire } from '../src/errors.ts';
import { Pace } from '../src/pack/pace.ts';
import { parseV2Request } from '../src/protocol/v2-request.ts';
import { RepositoryCaches } from '../src/repository/repository-caches.ts';
import { newStatistics, type Statistics } from '../src/upload-pack/statistics.ts';
import { UploadPackV2 } from '../src/upload-pack/upload-pack-v2.ts';
import { ChannelSink } from './channel-sink.ts';

/** Milliseconds. A repository that no one fetches from is closed after one to two of them. */
const IDLE_CHECK = 60_000;

const settings = workerData as WorkerSettings;
const caches = new RepositoryCaches();
setInterval(() => caches.closeIdle(), IDLE_CHECK).unref();
const roots = [settings.root, ...settings.allowed].map((directory) => fs.realpathSync(directory));
const allowed = (real: string) => roots.some((root) => real === root || real.startsWith(root + path.sep));

/** Called once at the start: that it answers says that the worker has loaded. */
export function ready(): void {}

/** Runs one task; how it ended is said on its channel, not by the promise. */
export default async function run({ task, port }: { task: Task; port: MessagePort }): Promise<void> {
  const pace = new Pace();
  const sink = new ChannelSink(port, settings.window, pace);
  const statistics = newStatistics(task.request === 'advertise' ? 'advertise' : 'none');
  try {
    pace.check();
    await answer(task, sink, pace, statistics);
    sink.end(statistics);
  } catch (error) {
    sink.fail(errorToWire(error), statistics);
  } finally {
    port.unref();
  }
}

async function answer(task: Task, sink: ChannelSink, pace: Pace, statistics: Statistics): Promise<void> {
  const server = new UploadPackV2(path.join(settings.root, task.path), { caches, allowed });
  if (task.request === 'advertise') {
    await sink.sendLines(server.advertise());
    return;
  }
  const request = parseV2Request(task.request);
  if (request) await server.respond(request, sink, pace, statistics);
}
