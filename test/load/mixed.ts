/**
 * The mixed load: clients of every kind fetch from repositories that are pushed to and repacked meanwhile. What each of
 * them does is drawn by a seed; when, is a matter of chance.
 */
import { SeededRandom } from '../../bench/random.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { metricBecomes } from '../support/request-log.ts';
import { type LogLine, startService } from '../support/service.ts';
import { type ChangingRepository, makeRepositories } from './changing-repository.ts';
import { runClient } from './clients.ts';
import { SEED } from './form.ts';
import { type Load, shuffledDeck } from './mixed-actions.ts';
import { followMemory, type MemorySample, type Resources, resourcesOf } from './resources.ts';

export interface MixedOptions {
  readonly repositories: number;
  /** Clients at a time. */
  readonly clients: number;
  /** Ends after so many decks of actions, or when these seconds are over. */
  readonly decks: number;
  readonly seconds: number;
}

export interface MixedResult {
  /** What went wrong, with all that is known about it. */
  readonly failures: readonly string[];
  /** How often each action was completed, each push and each kind of maintenance included. */
  readonly done: ReadonlyMap<string, number>;
  readonly seconds: number;
  readonly memory: readonly MemorySample[];
  /** Before the first and after the last request. */
  readonly idle: Resources;
  readonly after: () => Resources;
  readonly log: readonly LogLine[];
}

const FLAGS = ['--workers', '2', '--git-port', '0'];
/** As the image has it. */
const ENVIRONMENT = { MALLOC_MMAP_THRESHOLD_: '131072' };

export async function runMixedLoad(options: MixedOptions): Promise<MixedResult> {
  const root = temporaryDirectory();
  const random = new SeededRandom(SEED);
  const repositories = makeRepositories(root, temporaryDirectory(), options.repositories, random);
  const service = await startService(root, FLAGS, ENVIRONMENT);
  const pid = service.process.pid!;
  const { git } = await service.logged(({ msg }) => msg === 'listening');
  const load: Load = {
    random,
    repositories,
    directory: temporaryDirectory(),
    http: service.url,
    git,
    behind: new Map(),
    clones: 0,
  };
  // The first request starts threads that stay.
  await runClient(load.directory, ['ls-remote', '--quiet', `${service.url}/${repositories[0].name}`]);
  await metricBecomes(service, 'packhorse_fetches_in_progress', (value) => value === 0);
  const idle = resourcesOf(pid, root);

  const memory = followMemory(pid);
  const start = performance.now();
  const seconds = () => (performance.now() - start) / 1000;
  const failures: string[] = [];
  const done = new Map<string, number>();
  const perform = async (name: string, action: () => Promise<void>) => {
    try {
      await action();
      done.set(name, (done.get(name) ?? 0) + 1);
    } catch (error) {
      failures.push(`${name}, ${Math.round(seconds())} s after the start: ${error}`);
    }
  };

  let decks = 0;
  let deck: ReturnType<typeof shuffledDeck> = [];
  let over = false;
  const next = () => {
    if (seconds() > options.seconds) return undefined;
    if (deck.length === 0 && decks++ < options.decks) deck = shuffledDeck(random);
    return deck.pop();
  };
  const clients = Array.from({ length: options.clients }, async () => {
    for (let card = next(); card; card = next()) {
      const { name, action } = card;
      await perform(name, () => action(load));
    }
  });
  const changing = async (name: string, change: (repository: ChangingRepository) => Promise<void>) => {
    while (!over) await perform(name, () => change(random.pick(repositories)));
  };
  const changes = [
    changing('push', (repository) => repository.push()),
    changing('gc or repack', (repository) => repository.maintain()),
  ];
  await Promise.all(clients);
  over = true;
  await Promise.all(changes);
  memory.stop();
  await metricBecomes(service, 'packhorse_fetches_in_progress', (value) => value === 0);
  return {
    failures,
    done,
    seconds: seconds(),
    memory: memory.samples,
    idle,
    after: () => resourcesOf(pid, root),
    log: service.log,
  };
}
