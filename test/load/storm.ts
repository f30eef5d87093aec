/** A storm of clones at once, many more than are let in: real git clients that try again when they are refused. */
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { followPeak, residentBytes } from '../../bench/measure.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { hasPack, metricBecomes, settled } from '../support/request-log.ts';
import { type LogLine, startService } from '../support/service.ts';
import { ClientFailure, runClient, startGit } from './clients.ts';
import { makeNoise } from './noise.ts';

export interface StormOptions {
  /** Clients of the repository that everyone wants, who come at once. */
  readonly crowd: number;
  /** Clients of another repository, and those with an address of their own, who come when the crowd is in the queue. */
  readonly others: number;
  /** Places, and how many may wait for one. */
  readonly limit: number;
  readonly queue: number;
  /** Of the repositories. */
  readonly bytes: number;
}

export interface StormClient {
  readonly kind: 'crowd' | 'other repository' | 'other client';
  /** Times that it was refused. */
  readonly refusals: number;
  /** What was wrong when it gave up for good. */
  readonly failure: string | undefined;
}

/** A clone as the service saw it. */
export interface Served {
  readonly kind: StormClient['kind'];
  /** When it got in line, and when it got its place: milliseconds since 1970. */
  readonly came: number;
  readonly placed: number;
}

export interface StormResult {
  readonly clients: readonly StormClient[];
  /** Clones in the order in which they got in line. */
  readonly served: readonly Served[];
  readonly idle: number;
  readonly peak: number;
  readonly log: readonly LogLine[];
}

const CROWDED = 'crowd.git';
const OTHER = 'other.git';
const ADDRESS = '192.0.2.1';
const OTHER_ADDRESS = '192.0.2.2';

const MOST_TRIES = 60;
/** What git shows of a refusal, at the first request and later. */
const REFUSED = /server is busy .*; try again in (\d+) s/;
/** The seconds that one client may take: all others may be served before it. */
const SECONDS = 900;

export async function storm(options: StormOptions): Promise<StormResult> {
  const root = temporaryDirectory();
  const directory = temporaryDirectory();
  // Loose objects take most work: places are held for a while.
  for (const name of [CROWDED, OTHER]) await makeNoise(root, name, options.bytes, { loose: true });
  const flags = ['--clone-limit', String(options.limit), '--queue', String(options.queue)];
  const service = await startService(root, [
    // Each makes its own pack: to follow another's takes no place.
    ...['--workers', '2', '--cache-size', '0', '--trusted-proxies', '127.0.0.0/8'],
    ...flags,
  ]);
  const pid = service.process.pid!;
  const idle = residentBytes(pid);
  const peak = followPeak(pid, 100);

  let count = 0;
  const come = async (kind: StormClient['kind']): Promise<StormClient> => {
    const repository = kind === 'other repository' ? OTHER : CROWDED;
    const address = kind === 'other client' ? OTHER_ADDRESS : ADDRESS;
    const target = path.join(directory, `clone-${count++}`);
    const args = ['-c', `http.extraHeader=X-Forwarded-For: ${address}`, 'clone', '--quiet', '--mirror'];
    args.push(`${service.url}/${repository}`, target);
    for (let refusals = 0; ; refusals++) {
      const result = await startGit(directory, args, { seconds: SECONDS }).ended;
      if (result.code === 0) return { kind, refusals, failure: await problemOf(target) };
      const failure = new ClientFailure(args, result).message;
      const [, seconds] = REFUSED.exec(result.stderr) ?? [];
      if (!seconds || refusals + 1 === MOST_TRIES) return { kind, refusals, failure };
      await delay(1000 * Number(seconds));
    }
  };

  const crowd = Array.from({ length: options.crowd }, () => come('crowd'));
  const waiting = Math.min(options.queue, options.crowd) / 2;
  await metricBecomes(service, 'packhorse_admission_queued{lane="clone"}', (queued) => queued >= waiting);
  const others = Array.from({ length: options.others }, (_, n) =>
    come(n % 2 === 0 ? 'other repository' : 'other client'),
  );
  const clients = await Promise.all([...crowd, ...others]);
  await settled(service);
  return { clients, served: servedIn(service.log), idle, peak: peak.stop(), log: service.log };
}

function servedIn(log: readonly LogLine[]): Served[] {
  const clones = log.filter((line) => line.outcome === 'ok' && hasPack(line));
  const served = clones.map(({ repository, client, time, seconds, statistics: { phases } }): Served => {
    const came = time - 1000 * (seconds - phases.negotiate);
    const kind = repository === OTHER ? 'other repository' : client === ADDRESS ? 'crowd' : 'other client';
    return { kind, came, placed: came + 1000 * phases.queue };
  });
  return served.sort((a, b) => a.came - b.came);
}

/** What is wrong with a clone, if anything; it is removed. */
async function problemOf(target: string): Promise<string | undefined> {
  try {
    await runClient(target, ['fsck', '--full', '--strict']);
    return undefined;
  } catch (error) {
    return String(error);
  } finally {
    fs.rmSync(target, { recursive: true, force: true });
  }
}
