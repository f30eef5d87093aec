/** One worker: a thread, the tasks that it has, and whether it still lives. */
import type { EventLoopUtilization } from 'node:perf_hooks';
import type { MessagePort, Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import type { SentTask, ThreadSettings, WorkerSettings } from '../channel/task.ts';
import { asPackhorseError, type Loss, type PackhorseError, workerLost } from '../errors.ts';
import type { WorkerLoss } from './events.ts';

/** How many tasks a worker may hold; those that wait for a client cost it no CPU. */
export const TASKS_PER_WORKER = 1024;
/**
 * In a worker most memory lies outside of the heap, where V8 does not look. A small young generation and a limit for
 * the old one, far above what a fetch takes, make it collect early: a clone of 400,000 objects grew RSS by 145 MiB
 * without, by 75 with.
 */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 1024 };

/** What has to be known of a task: where it works, and how to end it. */
export interface ThreadTask {
  readonly path: string;
  fail(error: PackhorseError): unknown;
}

/**
 * The thread lies behind a Piscina of its own: one for all would start no more threads once one has failed while it was
 * starting, and would not say which of them has which tasks.
 */
export class WorkerThread {
  readonly #piscina: Piscina;
  readonly #thread: Worker;
  readonly #tasks = new Set<ThreadTask>();
  readonly #onLost: (thread: WorkerThread, loss: WorkerLoss) => void;
  /** Goes up as long as the thread takes its turns. */
  readonly #heartbeat = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  #lastBeat = 0;
  #silence = 0;
  #isReady = false;
  #isOver = false;
  #utilization: EventLoopUtilization = { active: 0, idle: 0, utilization: 0 };
  /** Resolves when the thread has loaded its code; rejects when it cannot. */
  readonly ready: Promise<void>;

  /**
   * @param onLost called once, when the thread has come to an end that no one asked for, before its tasks are told
   * @throws Error when the system has no thread to give
   */
  constructor(settings: WorkerSettings, onLost: (thread: WorkerThread, loss: WorkerLoss) => void) {
    this.#onLost = onLost;
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    this.#piscina = new Piscina({
      filename: new URL(`../../workers/upload-pack.${extension}`, import.meta.url).href,
      // Started by the first task, and never in the place of another: that is for the pool to do.
      minThreads: 0,
      maxThreads: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      concurrentTasksPerWorker: TASKS_PER_WORKER,
      // With 'sync' an idle worker sleeps so deeply that it receives no message; tasks here live on messages.
      atomics: 'async',
      workerData: { ...settings, heartbeat: this.#heartbeat } satisfies ThreadSettings,
      resourceLimits: RESOURCE_LIMITS,
      recordTiming: false,
    });
    this.#piscina.on('error', () => {}); // told by the thread itself
    const loaded: Promise<void> = this.#piscina.run(undefined, { name: 'ready' });
    this.ready = loaded.then(() => {
      this.#isReady = true;
      this.#silence = 0;
    });
    this.ready.catch(() => {});
    this.#thread = this.#piscina.threads[0];
    this.#thread.once('error', (error: NodeJS.ErrnoException) =>
      this.#lost(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'memory' : 'crash', error),
    );
    this.#thread.once('exit', (code) => this.#lost('crash', new Error(`it exited with code ${code}`)));
  }

  /** Tasks that it has, or will have. */
  get tasks(): number {
    return this.#tasks.size;
  }

  /** Those that it has not taken yet. */
  get queued(): number {
    return this.#piscina.queueSize;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** The share of time that the thread was busy since the last call. */
  busy(): number {
    const now = this.#thread.performance.eventLoopUtilization();
    const active = now.active - this.#utilization.active;
    const time = active + now.idle - this.#utilization.idle;
    this.#utilization = now;
    return time > 0 ? active / time : 0;
  }

  run(running: ThreadTask, task: SentTask, port: MessagePort): void {
    this.#tasks.add(running);
    this.#piscina
      .run({ task, port }, { transferList: [port] })
      .catch((error) => running.fail(asPackhorseError(error)))
      .finally(() => this.#tasks.delete(running));
  }

  /**
   * Counts a task in that another one has begun.
   * @returns to be called when it is over
   */
  adopt(task: ThreadTask): () => void {
    this.#tasks.add(task);
    if (this.#isOver) queueMicrotask(() => task.fail(workerLost('crash')));
    return () => this.#tasks.delete(task);
  }

  /**
   * Looks for a sign of life.
   * @param passed milliseconds since the last look
   * @param most milliseconds of silence that are waited for; a thread that gives no sign for longer is given up
   */
  look(passed: number, most: number): void {
    const beat = Atomics.load(this.#heartbeat, 0);
    this.#silence = beat === this.#lastBeat ? this.#silence + passed : 0;
    this.#lastBeat = beat;
    if (this.#silence > most) this.#lost('hang');
  }

  collectGarbage(): void {
    this.#piscina.run(undefined, { name: 'collectGarbage' }).catch(() => {});
  }

  /** Ends the thread; its tasks end with an error. */
  async close(): Promise<void> {
    this.#isOver = true;
    await this.#piscina.destroy();
  }

  #lost(reason: Loss, error?: Error): void {
    if (this.#isOver) return;
    const tasks = [...this.#tasks];
    const repositories = [...new Set(tasks.map(({ path }) => path))];
    // One that hangs in a call to the system ends when that returns; no one waits for it.
    void this.close();
    this.#onLost(this, { reason, error, repositories, wasReady: this.#isReady });
    for (const task of tasks) task.fail(workerLost(reason, error));
  }
}
