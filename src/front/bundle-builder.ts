/** Has bundles made for repositories that are cloned often, and others as their history goes on. */
import type { Logger } from 'pino';
import { type BackgroundResult, BackgroundWork } from './background.ts';
import { type BuiltBundle, bundleBuilt, type FetchRecord, fetchEnded } from './events.ts';
import type { WorkerPool } from './pool.ts';

/** Milliseconds within which clones count. */
const WINDOW = 3_600_000;
/** Milliseconds before a worker looks again whether a bundle is due; after one could not be made. */
const LOOK_AFTER = 60_000;
const RETRY_AFTER = 3_600_000;
const MOST_REMEMBERED = 10_000;

/** What is known of a repository; times in milliseconds on the process's clock. */
interface Cloned {
  /** When it was cloned last, so many times as make it one that is cloned often. */
  times: readonly number[];
  /** When it may be looked at again. */
  next: number;
}

export class BundleBuilder {
  readonly #logger: Logger;
  readonly #minClones: number;
  readonly #background: BackgroundWork;
  readonly #cloned = new Map<string, Cloned>();

  /** @param minClones within an hour */
  constructor(pool: WorkerPool, logger: Logger, minClones: number) {
    this.#logger = logger;
    this.#minClones = minClones;
    this.#background = new BackgroundWork(pool, { kind: 'build-bundle' }, this.#ended);
    fetchEnded.subscribe(this.#look);
  }

  close(): void {
    fetchEnded.unsubscribe(this.#look);
    this.#background.close();
  }

  readonly #look = (published: unknown): void => {
    const record = published as FetchRecord;
    if (!isClone(record)) return;
    const { repository } = record;
    const now = performance.now();
    const known = this.#cloned.get(repository) ?? { times: [], next: 0 };
    known.times = [...known.times, now].slice(-this.#minClones);
    if (this.#cloned.size === MOST_REMEMBERED) this.#cloned.clear();
    this.#cloned.set(repository, known);
    const isOften = known.times.length === this.#minClones && now - known.times[0] <= WINDOW;
    if (isOften && now >= known.next) this.#background.add(repository);
  };

  readonly #ended = (path: string, { seconds, statistics, error }: BackgroundResult): void => {
    const known = this.#cloned.get(path);
    if (known) known.next = performance.now() + (error ? RETRY_AFTER : LOOK_AFTER);
    if (error) {
      if (error.code === 'PACKHORSE_CANCELLED') return;
      const { code, message } = error;
      const line = { repository: path, seconds, error: { code, message } };
      this.#logger.warn(line, 'a bundle could not be built');
      return;
    }
    if (!statistics || statistics.kind === 'none') return;
    const built: BuiltBundle = {
      repository: path,
      kind: statistics.kind === 'clone' ? 'full' : 'incremental',
      seconds,
      objects: statistics.objects.total,
      bytes: statistics.bytes.total,
    };
    bundleBuilt.publish(built);
    this.#logger.info(built, 'bundle built');
  };
}

/** Whether someone has taken all of the history, or asked for bundles that hold it: clients ask when they clone. */
function isClone({ command, outcome, statistics }: FetchRecord): boolean {
  if (outcome !== 'ok' || !statistics) return false;
  return command === 'bundle-uri' || (statistics.kind === 'clone' && !statistics.filtered);
}
