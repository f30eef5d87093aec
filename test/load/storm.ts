/** A storm of clones at once, many more than are let in: real git clients that try again when they are refused. */
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { followPeak, residentBytes } from '../../bench/measure.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { metricBecomes } from '../support/request-log.ts';
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
  /** Clones of the crowd that were completed between its first try and its end. */
  readonly overtaken: number;
}

export interface StormResult {
  readonly clients: readonly StormClient[];
  readonly idle: number;
  readonly peak: number;
  readonly log: readonly LogLine[];
}

const MOST_TRIES = 60;
/** What git shows of a refusal, at the first request and later. */
const REFUSED = /server is busy .*; try again in (\d+) s/;
/** The seconds that one client may take: all others may be served before it. */
const SECONDS = 900;

export async function storm(options: StormOptions): Promise<StormResult> {
  const root = temporaryDirectory();
  const directory = temporaryDirectory();
  await makeNoise(root, 'crowd.git', options.bytes);
  await makeNoise(root, 'other.git', options.bytes);
  const flags = ['--clone-limit', String(options.limit), '--queue', String(options.queue)];
  const service = await startService(root, [
    ...['--workers', '2', '--adaptive-limits', 'off', '--trusted-proxies', '127.0.0.0/8'],
    ...flags,
  ]);
  const pid = service.process.pid!;
  const idle = residentBytes(pid);
  const peak = followPeak(pid, 100);

  /** Clones of the crowd that were completed. */
  let served = 0;
  let count = 0;
  const come = async (kind: StormClient['kind']): Promise<StormClient> => {
    const repository = kind === 'other repository' ? 'other.git' : 'crowd.git';
    const address = kind === 'other client' ? '192.0.2.2' : '192.0.2.1';
    const target = path.join(directory, `clone-${count++}`);
    const args = ['-c', `http.extraHeader=X-Forwarded-For: ${address}`, 'clone', '--quiet', '--mirror'];
    args.push(`${service.url}/${repository}`, target);
    const before = served;
    for (let refusals = 0; ; refusals++) {
      const result = await startGit(directory, args, { seconds: SECONDS }).ended;
      const overtaken = served - before;
      if (result.code === 0) {
        if (kind === 'crowd') served++;
        const failure = await problemOf(target);
        return { kind, refusals, failure, overtaken };
      }
      const failure = new ClientFailure(args, result).message;
      const [, seconds] = REFUSED.exec(result.stderr) ?? [];
      if (!seconds || refusals + 1 === MOST_TRIES) return { kind, refusals, failure, overtaken };
      await delay(1000 * Number(seconds));
    }
  };

  const crowd = Array.from({ length: options.crowd }, () => come('crowd'));
  const waiting = Math.min(options.queue, options.crowd) / 2;
  await metricBecomes(
    service,
    'packhorse_admission_queued{lane="clone"}',
    (queued) => queued >= waiting || served > options.crowd / 2,
  );
  const others = Array.from({ length: options.others }, (_, n) =>
    come(n % 2 === 0 ? 'other repository' : 'other client'),
  );
  const clients = await Promise.all([...crowd, ...others]);
  await metricBecomes(service, 'packhorse_fetches_in_progress', (value) => value === 0);
  return { clients, idle, peak: peak.stop(), log: service.log };
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
