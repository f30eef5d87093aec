/** Has bitmaps built for repositories that have none, after the first fetch that had to walk much. */
import type { Logger } from 'pino';
import type { Statistics } from '../upload-pack/statistics.ts';
import { type BackgroundResult, BackgroundWork } from './background.ts';
import { type FetchRecord, fetchEnded } from './events.ts';
import type { WorkerPool } from './pool.ts';

/** Reasons for which no bitmaps are used that new ones would not change. */
const USELESS: readonly Statistics['bitmap'][] = ['shallow', 'filter', 'off'];
/** Objects that a fetch must have walked for its repository to get bitmaps. */
const LARGE_WALK = 20_000;
/** Milliseconds before a repository whose bitmaps could not be built, or did not help, is tried again. */
const RETRY_AFTER = 3_600_000;
const MOST_REMEMBERED = 10_000;

export class BitmapBuilder {
  readonly #logger: Logger;
  readonly #background: BackgroundWork;
  /** When each repository was last tried, and whether it ever got bitmaps. */
  readonly #tried = new Map<string, { readonly at: number; readonly built: boolean }>();

  constructor(pool: WorkerPool, logger: Logger) {
    this.#logger = logger;
    this.#background = new BackgroundWork(pool, { kind: 'build-bitmaps' }, this.#ended);
    fetchEnded.subscribe(this.#look);
  }

  close(): void {
    fetchEnded.unsubscribe(this.#look);
    this.#background.close();
  }

  readonly #look = (published: unknown): void => {
    const { repository, statistics, outcome } = published as FetchRecord;
    // Where history is cut, or paths count, bitmaps are of no use.
    if (outcome !== 'ok' || !statistics || USELESS.includes(statistics.bitmap)) return;
    if (statistics.walked < LARGE_WALK) return;
    const last = this.#tried.get(repository);
    // What was built and is not used any more was made void by a repack.
    const isVoid = last?.built && statistics.bitmap !== 'used';
    if (last && !isVoid && performance.now() - last.at < RETRY_AFTER) return;
    this.#background.add(repository);
  };

  readonly #ended = (path: string, { seconds, statistics, error }: BackgroundResult): void => {
    const bytes = error ? 0 : (statistics?.bytes.total ?? 0);
    const before = this.#tried.get(path)?.built ?? false;
    if (this.#tried.size === MOST_REMEMBERED) this.#tried.clear();
    const at = performance.now() - seconds * 1000;
    this.#tried.set(path, { at, built: !error && (bytes > 0 || before) });
    const line = { repository: path, seconds, bytes };
    if (!error) this.#logger.info(line, bytes > 0 ? 'bitmaps built' : 'no bitmaps to build');
    else if (error.code !== 'PACKHORSE_CANCELLED') {
      const { code, message } = error;
      this.#logger.warn({ ...line, error: { code, message } }, 'bitmaps could not be built');
    }
  };
}
