/** Two instances behind a proxy are restarted one after the other, again and again, while clients clone. */
import fs from 'node:fs';
import path from 'node:path';
import { SeededRandom } from '../../bench/random.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { type RunningService, startService } from '../support/service.ts';
import { makeRepositories } from './changing-repository.ts';
import { runClient } from './clients.ts';
import { SEED } from './form.ts';
import { startNginx } from './nginx.ts';
import { StreamOfClients } from './stream-of-clients.ts';

export interface RestartOptions {
  /** How often each instance is restarted. */
  readonly rounds: number;
  /** Clients at a time. */
  readonly clients: number;
}

export interface RestartResult {
  readonly clones: number;
  readonly restarts: number;
  /** Exit codes of the instances that were stopped. */
  readonly exits: readonly (number | null)[];
  readonly failures: readonly string[];
}

const FLAGS = ['--workers', '1'];
const REPOSITORIES = 4;
/** Clones that are made, by all clients together, before the next instance is stopped. */
const CLONES_BETWEEN = 6;

export async function restartUnderLoad({ rounds, clients }: RestartOptions): Promise<RestartResult> {
  const root = temporaryDirectory();
  const directory = temporaryDirectory();
  const random = new SeededRandom(SEED);
  const repositories = makeRepositories(root, temporaryDirectory(), REPOSITORIES, random);
  const instances = await Promise.all([startService(root, FLAGS), startService(root, FLAGS)]);
  const url = await startNginx(instances.map((instance) => instance.url));

  let count = 0;
  const clones = new StreamOfClients(clients, async () => {
    const { name } = random.pick(repositories);
    const target = path.join(directory, `clone-${count++}`);
    await runClient(directory, ['clone', '--quiet', '--mirror', `${url}/${name}`, target]);
    await runClient(target, ['fsck', '--full', '--strict']);
    fs.rmSync(target, { recursive: true });
  });
  const exits: (number | null)[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const [n, instance] of instances.entries()) {
      await clones.more(CLONES_BETWEEN);
      exits.push(await instance.stop());
      await clones.more(1);
      instances[n] = await restart(root, instance);
    }
  }
  await clones.more(CLONES_BETWEEN);
  await clones.stop();
  return { clones: count, restarts: exits.length, exits, failures: clones.failures };
}

/** The proxy knows it by its port. */
function restart(root: string, { url }: RunningService): Promise<RunningService> {
  return startService(root, [...FLAGS, '--port', new URL(url).port]);
}
