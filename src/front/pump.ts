/** From a worker's channel to a client: places taken, frame headers stamped, bytes written, credit returned for them. */
import type { Readable, Writable } from 'node:stream';
import type { PlaceRequest, SentFile } from '../channel/messages.ts';
import type { Task } from '../channel/task.ts';
import { cancelled, type PackhorseError } from '../errors.ts';
import { Keepalive } from '../keepalive.ts';
import { encodeFailure } from '../protocol/failure.ts';
import { encodeSideband, encodeSidebandFrame, type Framing, stampFrames } from '../protocol/sideband.ts';
import type { Statistics } from '../upload-pack/statistics.ts';
import type { Admission } from './admission/admission.ts';
import type { Place } from './admission/place.ts';
import type { ClientTurn } from './client-turn.ts';
import { InputFeed } from './input-feed.ts';
import { Outgoing } from './outgoing.ts';
import type { RunningTask, TaskListener, WorkerMessage, WorkerPool } from './pool.ts';
import { Stalls } from './stalls.ts';

export interface PumpTarget {
  readonly stream: Writable;
  /** Where the client speaks from, when it does so for as long as it listens. */
  readonly input?: Readable;
  /** Called once, before the first byte: the door writes its head. */
  begin(): void;
  /** Called before `begin` where a file is sent. */
  file?(file: SentFile): void;
  /** Called instead of `begin` when the task failed before the first byte: the door answers as it does for errors. */
  refuse(error: PackhorseError): void;
  /** Called when the worker has read the request, and keeps nothing of it. */
  read?(): void;
  /** Where client and worker take turns: told whose it is. */
  readonly turn?: ClientTurn;
  /** Aborted when the work is to end before its time, with the PackhorseError that its client is to be told. */
  readonly signal: AbortSignal;
  /** Called when one of several commands on a connection begins. */
  began?(): void;
  /** Called when it has been answered, with the bytes written since the last one was. */
  answered?(statistics: Statistics, bytes: number): void;
}

export interface PumpOptions {
  readonly pool: WorkerPool;
  readonly admission: Admission;
  /** Who the client is, where that is known. */
  readonly client: string | undefined;
}

export interface PumpResult {
  readonly statistics: Statistics | undefined;
  readonly error: PackhorseError | undefined;
  /** Bytes written to the client since the last command that was answered, framing included. */
  readonly bytes: number;
}

/**
 * Runs a task, when its turn comes, and sends its response. Resolves when the worker has ended the task and the last
 * byte has gone out, or the client went away; it never rejects.
 */
export function pump(
  task: Omit<Task, 'window'>,
  target: PumpTarget,
  options: PumpOptions,
): Promise<PumpResult> {
  return new Promise((resolve) => new Pump(target, task, options, resolve).start());
}

class Pump implements TaskListener {
  readonly #target: PumpTarget;
  readonly #given: Omit<Task, 'window'>;
  readonly #pool: WorkerPool;
  readonly #admission: Admission;
  readonly #resolve: (result: PumpResult) => void;
  readonly #place: Place;
  readonly #outgoing: Outgoing;
  readonly #stalls: Stalls;
  #task: RunningTask | undefined;
  #bands: Framing | null = null;
  /** Whether the client asked for bands before the pack as well. */
  #allInBands = false;
  #feed: InputFeed | undefined;
  /** Whether it is the client's turn. */
  #isIdle = false;
  #keepalive: Keepalive | undefined;
  /** Bytes that the worker may have on their way, as it was last told. */
  #window = 0;
  /** Bytes written when the last command ended. */
  #told = 0;
  /** How the task ended; undefined while it runs. */
  #end: { statistics?: Statistics | undefined; error?: PackhorseError } | undefined;
  #isGone = false;

  constructor(
    target: PumpTarget,
    task: Omit<Task, 'window'>,
    { pool, admission, client }: PumpOptions,
    resolve: (result: PumpResult) => void,
  ) {
    this.#target = target;
    this.#given = task;
    this.#pool = pool;
    this.#admission = admission;
    this.#resolve = resolve;
    this.#place = admission.place({ repository: task.path, client });
    this.#outgoing = new Outgoing(target.stream, admission.streams, () => target.begin());
    this.#stalls = new Stalls(this.#place, admission.streams);
  }

  start(): void {
    const { stream, signal } = this.#target;
    signal.addEventListener('abort', () => this.#stop());
    stream.once('finish', () => this.#streamEnded(false));
    stream.once('close', () => this.#streamEnded(true));
    if (stream.destroyed) this.#streamEnded(true);
    else if (signal.aborted) this.#stop();
    else {
      this.#place.enter('light', {
        granted: () => this.#run(),
        refused: (error) => this.onError(error, undefined),
      });
    }
  }

  onMessage(message: Exclude<WorkerMessage, { type: 'end' | 'error' }>): void {
    switch (message.type) {
      case 'chunk': {
        const { buffer, length } = message;
        const frames = new Uint8Array(buffer, 0, length);
        stampFrames(frames, this.#bands ?? 'none');
        this.#write(frames, buffer);
        break;
      }
      case 'section': {
        const { bytes, bands } = message;
        // What is longer than it is was lent by the worker.
        this.#write(bytes, bytes.byteLength < bytes.buffer.byteLength ? bytes.buffer : undefined);
        if (bands === undefined) break;
        this.#bands = bands;
        this.#allInBands = bands !== null && bytes.length === 0 && this.#isV2;
        break;
      }
      case 'file':
        this.#target.file?.(message);
        break;
      case 'progress':
        this.#tell(message.text);
        break;
      case 'place':
        this.#enter(message);
        break;
      case 'taken':
        this.#awaitInput(message.bytes);
        break;
      case 'read':
        this.#target.read?.();
        break;
      case 'began':
        this.#outgoing.hold();
        this.#bands = null;
        this.#allInBands = false;
        this.#target.began?.();
        break;
      case 'answered':
        this.#answered(message.statistics);
    }
  }

  onEnd(statistics: Statistics): void {
    this.#end = { statistics };
    if (this.#outgoing.open) this.#outgoing.end();
    this.#settle();
  }

  onError(error: PackhorseError, statistics: Statistics | undefined): void {
    const why = error.code === 'PACKHORSE_CANCELLED' ? this.#reason : error;
    this.#end = { error: why, statistics };
    const outgoing = this.#outgoing;
    if (outgoing.open) {
      // Who is turned away gets nothing but that; other failures keep their place behind what was said.
      if (why.retryAfter !== undefined && !outgoing.hasSent) this.#takeBack();
      const isFirst = !outgoing.hasSent && !outgoing.holds;
      outgoing.release();
      if (isFirst && (this.#bands ?? 'none') === 'none') this.#target.refuse(why);
      // Where there is no band to say it on, only a pack that is cut short tells.
      else if (this.#bands === 'none') this.#target.stream.destroy();
      else {
        outgoing.write(encodeFailure(why, this.#bands ?? undefined));
        outgoing.end();
      }
    }
    this.#settle();
  }

  #takeBack(): void {
    this.#outgoing.discard();
    if (!this.#allInBands) this.#bands = null;
  }

  get #isV2(): boolean {
    const { work } = this.#given;
    return 'version' in work && work.version === 2;
  }

  #run(): void {
    this.#window = this.#admission.streams.window;
    const task = this.#pool.run({ ...this.#given, window: this.#window }, this);
    this.#task = task;
    const { input, turn } = this.#target;
    if (!input) return;
    const worker = {
      input: (bytes: Uint8Array<ArrayBuffer>) => this.#goOn(() => task.input(bytes)),
      endInput: () => this.#goOn(() => task.endInput()),
    };
    this.#feed = new InputFeed(input, worker, turn);
  }

  #goOn(action: () => void): void {
    this.#isIdle = false;
    this.#place.goOn(action);
  }

  /** The worker is about to make a pack. */
  #enter({ lane, keepAlive, band, silent }: PlaceRequest): void {
    this.#keepalive = new Keepalive(keepAlive, () => {
      const hears = this.#bands !== null && this.#bands !== 'none';
      if (hears && this.#outgoing.unsent === 0) this.#outgoing.write(encodeSidebandFrame(band, ''));
    });
    let ahead = -1;
    this.#place.enter(lane, {
      granted: () => {
        this.#outgoing.release();
        this.#task?.placed();
      },
      refused: (error) => this.#task?.fail(error),
      moved: (now) => {
        // What the client has still to take tells no less that it is not forgotten, and would not be seen to stall.
        const hasAll = this.#outgoing.holds || this.#outgoing.unsent === 0;
        if (silent || now === ahead || !hasAll) return;
        ahead = now;
        this.#tell(`waiting, ${now} ahead\r`);
      },
    });
    // One that waits has been let in, and may hear so.
    if (!this.#end) this.#outgoing.release();
  }

  /** The worker has taken what the client has said, and waits for more. */
  #awaitInput(bytes: number): void {
    this.#feed?.taken(bytes);
    if (!this.#feed?.isTaken) return;
    this.#outgoing.release();
    this.#isIdle = true;
    this.#stalls.close();
    // What it still has to take is counted until it has.
    if (this.#outgoing.unsent === 0) this.#place.leave();
    else this.#place.rest();
  }

  #answered(statistics: Statistics): void {
    this.#outgoing.release();
    this.#keepalive?.stop();
    this.#feed?.answered(statistics.kind !== 'none');
    this.#target.answered?.(statistics, this.#outgoing.bytes - this.#told);
    this.#told = this.#outgoing.bytes;
  }

  /** Text on band 2, where there is one. */
  #tell(text: string): void {
    this.#write(encodeSideband(2, text, this.#bands ?? 'none'));
  }

  /** @param buffer the worker's, which gets it back */
  #write(bytes: Uint8Array, buffer?: ArrayBuffer): void {
    this.#keepalive?.touch();
    this.#outgoing.write(bytes, () => this.#taken(bytes.length, buffer));
    this.#stalls.look(this.#outgoing.unsent, this.#window);
  }

  #taken(bytes: number, buffer: ArrayBuffer | undefined): void {
    this.#keepalive?.touch();
    const credit = () => {
      this.#window = this.#admission.streams.window;
      this.#task?.credit(bytes, this.#window, buffer);
    };
    if (this.#isIdle) {
      // Who waits for its client to speak does nothing with it.
      credit();
      if (this.#outgoing.unsent === 0) this.#place.leave();
      return;
    }
    this.#stalls.taken(() => {
      credit();
      // It may be too little to go on with.
      this.#stalls.look(this.#outgoing.unsent, this.#window);
    });
  }

  /** Ends the work before its time. */
  #stop(): void {
    if (this.#end) return;
    if (this.#task) {
      this.#task.cancel();
      return;
    }
    this.#place.leave();
    this.onError(this.#reason, undefined);
  }

  /** Why work ends that was cancelled. */
  get #reason(): PackhorseError {
    const { signal } = this.#target;
    return signal.aborted ? (signal.reason as PackhorseError) : cancelled();
  }

  /** Gives back what is not needed any more: the place when all work is done, the memory when nothing is on its way. */
  #release(): void {
    this.#keepalive?.stop();
    this.#stalls.close();
    if (this.#outgoing.open) this.#place.rest();
    else this.#place.leave();
  }

  #streamEnded(isGone: boolean): void {
    if (!this.#outgoing.open) return;
    this.#isGone = isGone;
    this.#outgoing.close();
    this.#feed?.stop();
    if (!this.#end) {
      if (this.#task) this.#task.cancel();
      else this.#end = { error: this.#reason };
    }
    // What comes back from the worker now is only how far it came.
    this.#release();
    this.#settle();
  }

  #settle(): void {
    if (!this.#end) return;
    this.#release();
    if (this.#outgoing.open) return;
    const { statistics, error } = this.#end;
    const gone = this.#isGone && !error ? this.#reason : error;
    this.#resolve({ statistics, error: gone, bytes: this.#outgoing.bytes - this.#told });
  }
}
