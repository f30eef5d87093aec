/**
 * Has bitmaps built for repositories that have none, after the first fetch that had to walk much: one repository at a
 * time, by a task that gives way to those of clients.
 */
import type { Logger } from 'pino';
import type { PackhorseError } from '../errors.ts';
import type { Statistics } from '../upload-pack/statistics.ts';
import { type FetchRecord, fetchEnded } from './events.ts';
import type { RunningTask, WorkerPool } from './pool.ts';

/** Reasons for which no bitmaps are used that new ones would not change. */
const USELESS: readonly Statistics['bitmap'][] = ['shallow', 'filter', 'off'];
/** Objects that a fetch must have walked for its repository to get bitmaps. */
const LARGE_WALK = 20_000;
/** Milliseconds before a repository whose bitmaps could not be built, or did not help, is tried again. */
const RETRY_AFTER = 3_600_000;
const MOST_REMEMBERED = 10_000;

export class BitmapBuilder {
  readonly #pool: WorkerPool;
  readonly #logger: Logger;
  readonly #waiting = new Set<string>();
  /** When each repository was last tried, and whether it ever got bitmaps. */
  readonly #tried = new Map<string, { readonly at: number; readonly built: boolean }>();
  #task: RunningTask | undefined;
  #closed = false;

  constructor(pool: WorkerPool, logger: Logger) {
    this.#pool = pool;
    this.#logger = logger;
    fetchEnded.subscribe(this.#look);
  }

  close(): void {
    this.#closed = true;
    fetchEnded.unsubscribe(this.#look);
    this.#waiting.clear();
    this.#task?.cancel();
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
    this.#waiting.add(repository);
    this.#next();
  };

  #next(): void {
    const [path] = this.#waiting;
    if (this.#task || this.#closed || path === undefined) return;
    this.#waiting.delete(path);
    if (this.#tried.size === MOST_REMEMBERED) this.#tried.clear();
    const start = performance.now();
    const before = this.#tried.get(path)?.built ?? false;
    this.#tried.set(path, { at: start, built: false });
    const end = (bytes: number, error?: PackhorseError) => {
      this.#task = undefined;
      if (this.#closed) return;
      this.#tried.set(path, { at: start, built: !error && (bytes > 0 || before) });
      const seconds = (performance.now() - start) / 1000;
      const line = { repository: path, seconds, bytes };
      if (!error) this.#logger.info(line, bytes > 0 ? 'bitmaps built' : 'no bitmaps to build');
      else if (error.code !== 'PACKHORSE_CANCELLED') {
        const { code, message } = error;
        this.#logger.warn({ ...line, error: { code, message } }, 'bitmaps could not be built');
      }
      this.#next();
    };
    this.#task = this.#pool.run(
      { path, work: { kind: 'build-bitmaps' }, window: 0 },
      {
        onMessage: () => {},
        onEnd: ({ bytes }) => end(bytes.total),
        onError: (error) => end(0, error),
      },
    );
  }
}
