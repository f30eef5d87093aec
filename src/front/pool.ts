/** The pool of workers, and one running task as the main thread sees it. */
import type { EventLoopUtilization } from 'node:perf_hooks';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import type { FromWorker, ToWorker } from '../channel/messages.ts';
import type { Task, WorkerSettings } from '../channel/task.ts';
import { asPackhorseError, errorFromWire, type PackhorseError, type WireError } from '../errors.ts';
import type { Framing } from '../protocol/sideband.ts';
import type { Statistics } from '../upload-pack/statistics.ts';

export type WorkerMessage = FromWorker<Statistics, WireError, Framing>;

/** How many tasks a worker may hold; those that wait for a client cost it no CPU. */
const TASKS_PER_WORKER = 1024;
/**
 * In a worker most memory lies outside of the heap, where V8 does not look. A small young generation and a limit for
 * the old one, far above what a fetch takes, make it collect early: a clone of 400,000 objects grew RSS by 145 MiB
 * without, by 75 with.
 */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 1024 };

export interface TaskListener {
  /** Everything but the end. Messages come in the order they were sent. */
  onMessage(message: Exclude<WorkerMessage, { type: 'end' | 'error' }>): void;
  /** Once, last. */
  onEnd(statistics: Statistics): void;
  onError(error: PackhorseError, statistics: Statistics | undefined): void;
}

export class WorkerPool {
  readonly #piscina: Piscina;
  readonly #running = new Set<RunningTask>();
  readonly #utilization = new Map<number, EventLoopUtilization>();

  /**
   * @param threads workers to run, all of them from the start
   * @param onWorkerError told of a worker that died without a task
   */
  constructor(threads: number, settings: WorkerSettings, onWorkerError: (error: Error) => void) {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    this.#piscina = new Piscina({
      filename: new URL(`../../workers/upload-pack.${extension}`, import.meta.url).href,
      minThreads: threads,
      maxThreads: threads,
      concurrentTasksPerWorker: TASKS_PER_WORKER,
      // With 'sync' an idle worker sleeps so deeply that it receives no message; tasks here live on messages.
      atomics: 'async',
      workerData: settings,
      resourceLimits: RESOURCE_LIMITS,
      recordTiming: false,
    });
    this.#piscina.on('error', onWorkerError);
  }

  get threads(): number {
    return this.#piscina.threads.length;
  }

  /** Threads at work, by the share of time that each was busy since the last call: tasks that wait keep none busy. */
  busy(): number {
    let sum = 0;
    for (const { threadId, performance } of this.#piscina.threads) {
      const now = performance.eventLoopUtilization();
      const last = this.#utilization.get(threadId) ?? { active: 0, idle: 0 };
      const active = now.active - last.active;
      const time = active + now.idle - last.idle;
      if (time > 0) sum += active / time;
      this.#utilization.set(threadId, now);
    }
    return sum;
  }

  /** Tasks that workers have taken. */
  get running(): number {
    return this.#running.size - this.queued;
  }

  /**
   * Whether another connection may be taken on. One that says nothing holds its place all the same, so that only half of
   * the places are for them.
   */
  get hasRoomForSessions(): boolean {
    return this.#running.size < (this.threads * TASKS_PER_WORKER) / 2;
  }

  /** Tasks that no worker has taken yet. */
  get queued(): number {
    return this.#piscina.queueSize;
  }

  run(task: Task, listener: TaskListener): RunningTask {
    const { port1, port2 } = new MessageChannel();
    const running = new RunningTask(port1, listener);
    this.#running.add(running);
    const { work } = task;
    const transferList = work.kind === 'answer' ? [port2, work.request.buffer] : [port2];
    this.#piscina
      .run({ task, port: port2 }, { transferList })
      .catch((error) => running.fail(asPackhorseError(error)))
      .finally(() => this.#running.delete(running));
    return running;
  }

  /** Resolves when every worker has loaded its code; rejects when one cannot. */
  async ready(): Promise<void> {
    // The pool gives a task to an idle worker first, so these land on one each.
    await Promise.all(this.#piscina.threads.map(() => this.#piscina.run(undefined, { name: 'ready' })));
  }

  /** Ends the workers; tasks that still run end with an error. */
  async close(): Promise<void> {
    await this.#piscina.destroy();
  }
}

/** A task on its way. */
export class RunningTask {
  readonly #port: MessagePort;
  readonly #listener: TaskListener;
  #over = false;

  constructor(port: MessagePort, listener: TaskListener) {
    this.#port = port;
    this.#listener = listener;
    port.on('message', (messages: readonly WorkerMessage[]) => {
      for (const message of messages) this.#receive(message);
    });
    // Nothing more can come from a port whose other side is gone.
    port.on('close', () => {
      if (!this.#over) this.fail(asPackhorseError(new Error('a worker ended before its task did')));
    });
  }

  /** Says that the client took `bytes`, and how many may be on their way; hands a chunk's buffer back. */
  credit(bytes: number, window: number, buffer?: ArrayBuffer): void {
    if (this.#over) return;
    if (buffer) this.#post({ type: 'credit', bytes, window, buffer }, [buffer]);
    else this.#post({ type: 'credit', bytes, window });
  }

  /** Says that there is a place for the pack. */
  placed(): void {
    if (!this.#over) this.#post({ type: 'place' });
  }

  /** Hands over more of the client's input, whose memory goes with it. */
  input(bytes: Uint8Array<ArrayBuffer>): void {
    if (!this.#over) this.#post({ type: 'input', bytes }, [bytes.buffer]);
  }

  /** Says that the client says no more. */
  endInput(): void {
    if (!this.#over) this.#post({ type: 'input-end' });
  }

  /** Says that the client went away; the worker ends the task with `PACKHORSE_CANCELLED`. */
  cancel(): void {
    if (!this.#over) this.#post({ type: 'cancel' });
  }

  /** Ends the task from this side; nothing after the end is heard. */
  fail(error: PackhorseError, statistics?: Statistics): void {
    if (this.#end()) this.#listener.onError(error, statistics);
  }

  #receive(message: WorkerMessage): void {
    if (this.#over) return;
    if (message.type === 'end') {
      this.#end();
      this.#listener.onEnd(message.statistics);
    } else if (message.type === 'error') {
      this.fail(errorFromWire(message.error), message.statistics);
    } else {
      this.#listener.onMessage(message);
    }
  }

  #end(): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.#port.close();
    return true;
  }

  #post(message: ToWorker, transfer: ArrayBuffer[] = []): void {
    this.#port.postMessage(message, transfer);
  }
}
