/** A service under load that loses workers, and whose disk fails or is full: clients are told so, and come again. */
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SeededRandom } from '../../bench/random.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { type Fault, Faults } from '../support/faults.ts';
import { git } from '../support/git.ts';
import { createRepository, History, noise } from '../support/history.ts';
import { metricBecomes } from '../support/request-log.ts';
import { type LogLine, startService } from '../support/service.ts';
import { ClientFailure, runClient, startGit } from './clients.ts';
import { SEED } from './form.ts';
import { makeNoise } from './noise.ts';
import { StreamOfClients } from './stream-of-clients.ts';

export interface FaultsOptions {
  /** How often each fault is injected. */
  readonly rounds: number;
  /** Clients at a time. */
  readonly clients: number;
}

export interface FaultFigures {
  readonly fault: string;
  /** Times that it struck. */
  readonly struck: number;
  /** Clones that ended well at the first try while it was there, and tries that did not. */
  readonly clones: number;
  readonly failed: number;
}

export interface FaultsResult {
  readonly figures: readonly FaultFigures[];
  /** Clients that gave up for good, or were told something that is not so. */
  readonly failures: readonly string[];
  readonly log: readonly LogLine[];
}

const CALLS_OF_PACKS = { calls: ['read'], path: 'objects/pack/' };

/** Each strikes so often in a round: a worker that is lost takes all of its clients with it. */
const FAULTS: readonly Omit<Fault, 'name'>[] = [
  { ...CALLS_OF_PACKS, action: 'crash', times: 1 },
  { ...CALLS_OF_PACKS, action: 'EIO', times: 3 },
  { ...CALLS_OF_PACKS, action: 'exit', times: 1 },
  { calls: ['readdir'], path: 'objects/pack', action: 'EIO', times: 3 },
  { ...CALLS_OF_PACKS, action: 'heap', times: 1 },
  { calls: ['readFile'], path: 'HEAD', action: 'EIO', times: 3 },
  { ...CALLS_OF_PACKS, action: 'hang', times: 1 },
  { calls: ['write'], path: 'spool', action: 'ENOSPC', times: 3 },
];

const LOSSES = ['crash', 'exit', 'heap', 'hang'];

/** What a client may be told; that it is so is known here. */
const HONEST =
  /a worker of the server .*; try again|the server is not ready; try again later|failed: E[A-Z]+/;
const DISHONEST = /corrupt/;

const WORKERS = 2;
// What comes from the cache reads nothing that could fail.
const FLAGS = ['--workers', `${WORKERS}`, '--git-port', '0', '--hang-timeout', '5', '--cache-size', '0'];
const MOST_TRIES = 60;
/** Milliseconds that a client rests before it tries again. */
const REST = 1000;
/** Clones that are made before a fault, and after all of them. */
const CLONES_BETWEEN = 2;

/** Whether a line says that a worker was lost. */
export function isLoss({ msg }: LogLine): boolean {
  return msg === 'a worker was lost and is replaced';
}

export async function fetchDespiteFaults({ rounds, clients }: FaultsOptions): Promise<FaultsResult> {
  const root = temporaryDirectory();
  const temporary = path.join(temporaryDirectory(), 'spool');
  fs.mkdirSync(temporary);
  const directory = temporaryDirectory();
  const random = new SeededRandom(SEED);
  for (const name of ['large-1.git', 'large-2.git']) await makeNoise(root, name, 16e6);
  makeRebuilt(root, 'rebuilt.git');
  const faults = new Faults();
  const { NODE_OPTIONS, FAULTS_FILE } = faults.environment;
  const service = await startService(root, FLAGS, {
    FAULTS_FILE,
    NODE_OPTIONS: `${NODE_OPTIONS} --max-old-space-size=128`,
    TMPDIR: temporary,
  });
  const { git: gitUrl } = await service.logged(({ msg }) => msg === 'listening');

  let [count, clones, failed, losses] = [0, 0, 0, 0];
  const stream = new StreamOfClients(clients, async () => {
    const name = random.pick(['large-1.git', 'large-2.git', 'rebuilt.git']);
    const url = `${random.pick([service.url, service.url, gitUrl])}/${name}`;
    // What is shallow has the younger version of a file without the one that it is stored as a delta of.
    const depth = name === 'rebuilt.git' ? ['--depth=1'] : [];
    const target = path.join(directory, `clone-${count++}`);
    const args = ['clone', '--quiet', '--mirror', ...depth, url, target];
    const tries = await cloneAtLast(args, () => void failed++);
    if (tries === 1) clones++;
    await runClient(target, ['fsck', '--full', '--strict']);
    fs.rmSync(target, { recursive: true });
  });

  const figures: FaultFigures[] = [];
  for (const [n, fault] of Array.from({ length: rounds }, () => FAULTS)
    .flat()
    .entries()) {
    await stream.more(CLONES_BETWEEN);
    const name = `fault-${n}`;
    const before = { clones, failed };
    faults.set({ ...fault, name });
    await stream.until(() => faults.struck(name) >= fault.times! || stream.failures.length > 0);
    if (LOSSES.includes(fault.action)) losses++;
    await service.logged(() => service.log.filter(isLoss).length >= losses);
    await stream.more(clients);
    faults.set();
    figures.push({
      fault: `${fault.action}, ${fault.calls[0]}`,
      struck: faults.struck(name),
      clones: clones - before.clones,
      failed: failed - before.failed,
    });
  }
  await stream.more(CLONES_BETWEEN);
  await stream.stop();
  await metricBecomes(service, 'packhorse_fetches_in_progress', (value) => value === 0);
  await metricBecomes(service, 'packhorse_worker_threads', (value) => value === WORKERS);
  return { figures, failures: stream.failures, log: service.log };
}

/**
 * Clones, again and again for as long as it is told the truth.
 * @returns how often it tried
 */
async function cloneAtLast(args: readonly string[], onFailure: () => void): Promise<number> {
  for (let tries = 1; ; tries++) {
    const result = await startGit('.', args).ended;
    if (result.code === 0) return tries;
    onFailure();
    const isTrue = HONEST.test(result.stderr) && !DISHONEST.test(result.stderr);
    if (!isTrue || tries === MOST_TRIES) throw new ClientFailure(args, result);
    await delay(REST);
  }
}

/** A file whose younger version is shorter, and so stored as a delta of the older one, too long to be held in memory. */
function makeRebuilt(root: string, name: string): void {
  const directory = createRepository(root, name);
  const history = new History();
  const content = noise(5_000_000, 1);
  history.commit({ branch: 'main', files: { file: content } });
  history.commit({ branch: 'main', files: { file: content.subarray(0, 4_800_000) } });
  history.importInto(directory, false, ['-c', 'core.compression=0']);
  git(directory, ['-c', 'core.compression=0', 'repack', '-adfq']);
}
