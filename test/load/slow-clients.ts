/** Many slow clones of one large repository, and a fast one beside them. */
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { GitClient } from '../../bench/client.ts';
import { cpuSeconds, followPeak, median, residentBytes } from '../../bench/measure.ts';
import { type SlowClientsOptions as Clients, startSlowClients } from '../../bench/slow-clients.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { metric, metricBecomes } from '../support/request-log.ts';
import { startService } from '../support/service.ts';
import { runClient } from './clients.ts';
import { makeNoise } from './noise.ts';

export interface SlowClientsOptions extends Clients {
  /** Of the repository. */
  readonly bytes: number;
  /** How often the fast clone is made, beside the slow ones and without. */
  readonly fastClones: number;
  /** For how long the slow ones are watched alone; not 0. */
  readonly seconds: number;
}

export interface SlowClientsResult {
  /** Resident bytes of the service: before the first slow client, and the most there were with all of them. */
  readonly idle: number;
  readonly peak: number;
  /** Of a fast clone, in the median. */
  readonly fastAlone: number;
  readonly fastBeside: number;
  /** Of one processor, that the service took while it served the slow ones alone. */
  readonly busy: number;
  /** Fetches that were under way when the fast clones were made. */
  readonly inFlight: number;
  /** Bytes of packs that slow clients got. */
  readonly received: number;
}

export async function serveSlowClients(options: SlowClientsOptions): Promise<SlowClientsResult> {
  const root = temporaryDirectory();
  await makeNoise(root, 'large.git', options.bytes);
  // All of them come at once, and none is to be turned away.
  const queue = String(2 * options.clients);
  // Each has a pack of its own: to follow another's is easier for all.
  const service = await startService(root, ['--workers', '2', '--queue', queue, '--cache-size', '0']);
  const pid = service.process.pid!;
  const url = `${service.url}/large.git`;
  await timeClone(url); // warms up
  const fastAlone = await medianOf(options.fastClones, () => timeClone(url));
  const idle = residentBytes(pid);
  const peak = followPeak(pid, 100);

  const client = new GitClient(url);
  const wants = [...new Set((await client.lsRefs()).map(({ oid }) => oid))];
  client.close();
  const slow = await startSlowClients(url, { wants, haves: [] }, options);
  const inFlight = await metric(service, 'packhorse_fetches_in_progress');
  const fastBeside = await medianOf(options.fastClones, () => timeClone(url));

  const cpu = cpuSeconds(pid);
  const start = performance.now();
  // Nothing is waited for here: this is how long they are watched.
  await delay(options.seconds * 1000);
  const busy = (cpuSeconds(pid) - cpu) / ((performance.now() - start) / 1000);
  const highest = peak.stop();
  const received = await slow.hangUp();
  await metricBecomes(service, 'packhorse_fetches_in_progress', (value) => value === 0);
  return {
    idle,
    peak: highest,
    fastAlone,
    fastBeside,
    busy,
    inFlight,
    received,
  };
}

/** Seconds that a real git takes. */
async function timeClone(url: string): Promise<number> {
  const target = path.join(temporaryDirectory(), 'clone');
  const start = performance.now();
  await runClient('.', ['clone', '--quiet', '--mirror', url, target]);
  const seconds = (performance.now() - start) / 1000;
  fs.rmSync(target, { recursive: true });
  return seconds;
}

async function medianOf(count: number, measure: () => Promise<number>): Promise<number> {
  const values: number[] = [];
  for (let n = 0; n < count; n++) values.push(await measure());
  return median(values);
}
