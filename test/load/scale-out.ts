/** Replicas behind the deployed proxy come, go and are restarted one after the other while clients clone. */
import fs from 'node:fs';
import path from 'node:path';
import { SeededRandom } from '../../bench/random.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { type ProxiedRequest, type ReplicaProxy, startProxy } from '../support/proxy.ts';
import type { RunningService } from '../support/service.ts';
import { makeRepositories } from './changing-repository.ts';
import { runClient } from './clients.ts';
import { SEED } from './form.ts';
import { StreamOfClients } from './stream-of-clients.ts';

export interface ScaleOptions {
  /** How often a replica is added, one is removed, and all are restarted. */
  readonly rounds: number;
  /** Clients at a time. */
  readonly clients: number;
}

export interface ScaleResult {
  readonly clones: number;
  /** Replicas that were stopped, for good or for a restart: their exit codes. */
  readonly exits: readonly (number | null)[];
  readonly failures: readonly string[];
  readonly requests: readonly ProxiedRequest[];
  /** How often the proxy has taken in that the replicas changed. */
  readonly reloads: number;
}

/** Replicas at the start. */
const ADDRESSES = ['127.0.1.1', '127.0.1.2', '127.0.1.3'];
const FLAGS = ['--workers', '1'];
const REPOSITORIES = 6;
/** Clones that are made, by all clients together, between two changes. */
const CLONES_BETWEEN = 6;

export async function scaleUnderLoad({ rounds, clients }: ScaleOptions): Promise<ScaleResult> {
  const root = temporaryDirectory();
  const directory = temporaryDirectory();
  const random = new SeededRandom(SEED);
  const repositories = makeRepositories(root, temporaryDirectory(), REPOSITORIES, random);
  const proxy = await startProxy(root, FLAGS, ADDRESSES);
  const replicas = new Replicas(proxy);
  await replicas.start(ADDRESSES);

  let count = 0;
  const clones = new StreamOfClients(clients, async () => {
    const { name } = random.pick(repositories);
    const target = path.join(directory, `clone-${count++}`);
    await runClient(directory, ['clone', '--quiet', '--mirror', `${proxy.url}/${name}`, target]);
    await runClient(target, ['fsck', '--full', '--strict']);
    fs.rmSync(target, { recursive: true });
  });
  for (let round = 0; round < rounds; round++) {
    await clones.more(CLONES_BETWEEN);
    await replicas.add(`127.0.2.${round + 1}`);
    await clones.more(CLONES_BETWEEN);
    await replicas.remove(replicas.addresses()[0]!);
    for (const address of replicas.addresses()) {
      await clones.more(CLONES_BETWEEN);
      await replicas.stop(address);
      await clones.more(1);
      await replicas.start([address]);
    }
  }
  await clones.more(CLONES_BETWEEN);
  await clones.stop();
  return {
    clones: count,
    exits: replicas.exits,
    failures: clones.failures,
    requests: proxy.requests(),
    reloads: proxy.reloads(),
  };
}

class Replicas {
  readonly exits: (number | null)[] = [];
  readonly #proxy: ReplicaProxy;
  readonly #running = new Map<string, RunningService>();

  constructor(proxy: ReplicaProxy) {
    this.#proxy = proxy;
  }

  /** Oldest first. */
  addresses(): string[] {
    return [...this.#running.keys()];
  }

  async start(addresses: readonly string[]): Promise<void> {
    const services = await Promise.all(addresses.map((address) => this.#proxy.startReplica(address)));
    for (const [n, service] of services.entries()) this.#running.set(addresses[n]!, service);
  }

  /** Stops one whose name stays, as when it is restarted: the proxy finds out by itself. */
  async stop(address: string): Promise<void> {
    this.exits.push(await this.#running.get(address)!.stop());
    this.#running.delete(address);
  }

  async add(address: string): Promise<void> {
    await this.start([address]);
    this.#proxy.setReplicas(this.addresses());
  }

  /** As Kubernetes does: its name goes first, but no one waits for the proxy to have noticed. */
  async remove(address: string): Promise<void> {
    this.#proxy.setReplicas(this.addresses().filter((other) => other !== address));
    await this.stop(address);
  }
}
