/** The pool of workers, and one running task as the main thread sees it. A worker that is lost gets a successor. */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { FromWorker, ToWorker } from '../channel/messages.ts';
import type { Task, WorkerSettings } from '../channel/task.ts';
import {
  cancelled,
  errorFromWire,
  type Loss,
  notReady,
  type PackhorseError,
  type WireError,
} from '../errors.ts';
import type { Framing } from '../protocol/sideband.ts';
import type { Statistics } from '../upload-pack/statistics.ts';
import { Breaker } from './breaker.ts';
import { type WorkerLoss, workerLost } from './events.ts';
import { TASKS_PER_WORKER, WorkerThread } from './worker-thread.ts';

export type WorkerMessage = FromWorker<Statistics, WireError, Framing>;

/** Milliseconds between two looks for signs of life. */
const LOOK = 1000;
/** Milliseconds in which a worker must have loaded its code, where hangs are looked for. */
const LOADING = 60_000;
/** Milliseconds after which one that could not start is tried again. */
const RESTART_DELAY = 1000;

export interface TaskListener {
  /** Everything but the end. Messages come in the order they were sent. */
  onMessage(message: Exclude<WorkerMessage, { type: 'end' | 'error' }>): void;
  /** Once, last. */
  onEnd(statistics: Statistics): void;
  onError(error: PackhorseError, statistics: Statistics | undefined): void;
}

export interface PoolOptions {
  /** Milliseconds after which a worker that gives no sign of life is given up; 0: never. */
  readonly hangTimeout?: number;
}

export class WorkerPool {
  readonly breaker = new Breaker();
  /** Workers that were lost so far; each gets a successor. */
  readonly restarts: Record<Loss, number> = { crash: 0, memory: 0, hang: 0 };
  readonly #settings: WorkerSettings;
  readonly #threads: WorkerThread[] = [];
  readonly #timers = new Set<NodeJS.Timeout>();
  #lastLook = performance.now();

  /** @param threads workers to run, all of them from the start */
  constructor(threads: number, settings: WorkerSettings, { hangTimeout = 0 }: PoolOptions = {}) {
    this.#settings = settings;
    for (let i = 0; i < threads; i++) this.#start();
    if (hangTimeout > 0) this.#timers.add(setInterval(() => this.#look(hangTimeout), LOOK).unref());
  }

  get threads(): number {
    return this.#threads.length;
  }

  /** Threads at work, by the share of time that each was busy since the last call: tasks that wait keep none busy. */
  busy(): number {
    return this.#threads.reduce((sum, thread) => sum + thread.busy(), 0);
  }

  /** Tasks that workers have taken. */
  get running(): number {
    return this.#tasks - this.queued;
  }

  /**
   * Whether another connection may be taken on. One that says nothing holds its place all the same, so that only half of
   * the places are for them.
   */
  get hasRoomForSessions(): boolean {
    return this.#tasks < (this.threads * TASKS_PER_WORKER) / 2;
  }

  /** Tasks that no worker has taken yet. */
  get queued(): number {
    return this.#threads.reduce((sum, thread) => sum + thread.queued, 0);
  }

  /** Runs a task, or refuses it; either is told to the listener, never before this returns. */
  run(task: Task, listener: TaskListener): RunningTask {
    const { port1, port2 } = new MessageChannel();
    const thread = this.#leastBusy();
    const running = new RunningTask(task.path, port1, listener, thread);
    const refusal = this.breaker.refusal();
    if (refusal || !thread) {
      queueMicrotask(() => running.fail(refusal ?? notReady('no worker is running', RESTART_DELAY / 1000)));
      return running;
    }
    const { work } = task;
    if (work.kind !== 'answer') {
      thread.run(running, { ...task, work }, port2);
      return running;
    }
    const { request, ...rest } = work;
    running.input(request);
    running.endInput();
    thread.run(running, { ...task, work: rest }, port2);
    return running;
  }

  /** Resolves when every worker has loaded its code; rejects when one cannot. */
  async ready(): Promise<void> {
    await Promise.all(this.#threads.map(({ ready }) => ready));
  }

  /** Has every worker collect its garbage. */
  collectGarbage(): void {
    for (const thread of this.#threads) thread.collectGarbage();
  }

  /** Ends the workers; tasks that still run end with an error. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }

  get #tasks(): number {
    return this.#threads.reduce((sum, thread) => sum + thread.tasks, 0);
  }

  /** One that still loads its code is taken where there is no other. */
  #leastBusy(): WorkerThread | undefined {
    const ready = this.#threads.filter(({ isReady }) => isReady);
    const [first, ...others] = ready.length > 0 ? ready : this.#threads;
    return others.reduce((least, thread) => (thread.tasks < least.tasks ? thread : least), first);
  }

  #start(): void {
    this.#threads.push(new WorkerThread(this.#settings, this.#replace));
  }

  readonly #replace = (lost: WorkerThread, loss: WorkerLoss): void => {
    this.#threads.splice(this.#threads.indexOf(lost), 1);
    this.restarts[loss.reason]++;
    this.breaker.lost();
    workerLost.publish(loss);
    // One that could not even start is not tried again at once: what keeps it from that is not in a request.
    if (loss.wasReady) this.#startOrWait();
    else this.#startLater();
  };

  #startOrWait(): void {
    try {
      this.#start();
    } catch {
      this.#startLater(); // the system has no thread to give
    }
  }

  #startLater(): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#startOrWait();
    }, RESTART_DELAY);
    this.#timers.add(timer.unref());
  }

  #look(most: number): void {
    const now = performance.now();
    // A process that was stopped, or kept from running, has heard no one.
    const passed = Math.min(now - this.#lastLook, 2 * LOOK);
    this.#lastLook = now;
    for (const thread of [...this.#threads]) {
      thread.look(passed, thread.isReady ? most : Math.max(most, LOADING));
    }
  }
}

/** A task on its way. */
export class RunningTask {
  /** Path of its repository. */
  readonly path: string;
  readonly #port: MessagePort;
  readonly #listener: TaskListener;
  readonly #thread: WorkerThread | undefined;
  #leaveThread: (() => void) | undefined;
  #over = false;

  constructor(path: string, port: MessagePort, listener: TaskListener, thread: WorkerThread | undefined) {
    this.path = path;
    this.#port = port;
    this.#listener = listener;
    this.#thread = thread;
    port.on('message', (messages: readonly WorkerMessage[]) => {
      for (const message of messages) this.#receive(message);
    });
  }

  /** Says that the client took `bytes`, and how many may be on their way; hands a chunk's buffer back. */
  credit(bytes: number, window: number, buffer?: ArrayBuffer): void {
    if (this.#over) return;
    if (buffer) this.#post({ type: 'credit', bytes, window, buffer }, [buffer]);
    else this.#post({ type: 'credit', bytes, window });
  }

  /** Says that there is a place for the pack, or that none is needed: the client is sent it without the worker. */
  placed(leave: 'here' | 'served'): void {
    if (!this.#over) this.#post({ type: 'place', leave });
  }

  /**
   * Has the pack that a place was asked for made for someone else, with a window of bytes: by a task that goes on when
   * this one ends.
   */
  placedApart(window: number, listener: TaskListener): RunningTask {
    const { port1, port2 } = new MessageChannel();
    const apart = new RunningTask(this.path, port1, listener, this.#thread);
    apart.#leaveThread = this.#thread?.adopt(apart);
    if (this.#over) queueMicrotask(() => apart.fail(cancelled()));
    else this.#post({ type: 'place', leave: { port: port2, window } }, [port2]);
    return apart;
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

  /**
   * Ends the task from this side; nothing after the end is heard.
   * @returns false where it was over
   */
  fail(error: PackhorseError, statistics?: Statistics): boolean {
    if (!this.#end()) return false;
    this.#listener.onError(error, statistics);
    return true;
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
    this.#leaveThread?.();
    this.#port.close();
    return true;
  }

  #post(message: ToWorker, transfer: (ArrayBuffer | MessagePort)[] = []): void {
    this.#port.postMessage(message, transfer);
  }
}
