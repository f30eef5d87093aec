/** Work that no client has asked for: for one repository after the other, by tasks that give way to those of clients. */
import type { BackgroundTask } from '../channel/task.ts';
import type { PackhorseError } from '../errors.ts';
import type { Statistics } from '../upload-pack/statistics.ts';
import type { RunningTask, WorkerPool } from './pool.ts';

/** How such a task went. */
export interface BackgroundResult {
  readonly seconds: number;
  readonly statistics: Statistics | undefined;
  readonly error: PackhorseError | undefined;
}

export class BackgroundWork {
  readonly #pool: WorkerPool;
  readonly #work: BackgroundTask;
  readonly #ended: (path: string, result: BackgroundResult) => void;
  readonly #waiting = new Set<string>();
  /** What is being worked on. */
  #path: string | undefined;
  #task: RunningTask | undefined;
  #closed = false;

  /** @param ended called after each, with the repository's path, unless all was closed meanwhile */
  constructor(
    pool: WorkerPool,
    work: BackgroundTask,
    ended: (path: string, result: BackgroundResult) => void,
  ) {
    this.#pool = pool;
    this.#work = work;
    this.#ended = ended;
  }

  /** To be done for this repository; once, however often it is said before it ends. */
  add(path: string): void {
    if (path === this.#path) return;
    this.#waiting.add(path);
    this.#next();
  }

  close(): void {
    this.#closed = true;
    this.#waiting.clear();
    this.#task?.cancel();
  }

  #next(): void {
    const [path] = this.#waiting;
    if (this.#task || this.#closed || path === undefined) return;
    this.#waiting.delete(path);
    this.#path = path;
    const start = performance.now();
    const end = (statistics: Statistics | undefined, error?: PackhorseError) => {
      this.#task = undefined;
      this.#path = undefined;
      if (this.#closed) return;
      this.#ended(path, { seconds: (performance.now() - start) / 1000, statistics, error });
      this.#next();
    };
    this.#task = this.#pool.run(
      { path, work: this.#work, window: 0 },
      { onMessage: () => {}, onEnd: end, onError: (error, statistics) => end(statistics, error) },
    );
  }
}
