/** From a worker's channel to a client: frame headers stamped, bytes written, credit returned when they are gone. */
import type { Readable, Writable } from 'node:stream';
import { cancelled, type PackhorseError } from '../errors.ts';
import { encodeFailure } from '../protocol/failure.ts';
import { encodeSideband, type Framing, stampFrames } from '../protocol/sideband.ts';
import type { Statistics } from '../upload-pack/statistics.ts';
import type { InflightBytes } from './inflight.ts';
import { InputFeed } from './input-feed.ts';
import type { RunningTask, TaskListener, WorkerMessage, WorkerPool } from './pool.ts';

export interface PumpTarget {
  readonly stream: Writable;
  /** Where the client speaks from, when it does so for as long as it listens. */
  readonly input?: Readable;
  /** Called once, before the first byte: the door writes its head. */
  begin(): void;
  /** Called before `begin` where a file is sent: its size, and when it was last modified (milliseconds since 1970). */
  file?(bytes: number, modified: number): void;
  /** Called instead of `begin` when the task failed before the first byte: the door answers as it does for errors. */
  refuse(error: PackhorseError): void;
  /** Where clients say more than once what they want: when this is aborted, one that says nothing now is let go. */
  readonly draining?: AbortSignal;
  /** Called when one of several commands on a connection begins. */
  began?(): void;
  /** Called when it has been answered, with the bytes written since the last one was. */
  answered?(statistics: Statistics, bytes: number): void;
}

export interface PumpResult {
  readonly statistics: Statistics | undefined;
  readonly error: PackhorseError | undefined;
  /** Bytes written to the client since the last command that was answered, framing included. */
  readonly bytes: number;
}

/**
 * Runs a task and sends its response. Resolves when the worker has ended the task and the last byte has gone out, or
 * the client went away; it never rejects.
 */
export function pump(
  pool: WorkerPool,
  task: Parameters<WorkerPool['run']>[0],
  target: PumpTarget,
  inflight: InflightBytes,
): Promise<PumpResult> {
  return new Promise((resolve) => new Pump(target, inflight, resolve).start(pool, task));
}

class Pump implements TaskListener {
  readonly #target: PumpTarget;
  readonly #inflight: InflightBytes;
  readonly #resolve: (result: PumpResult) => void;
  #task: RunningTask | undefined;
  #begun = false;
  #bands: Framing | null = null;
  #feed: InputFeed | undefined;
  /** Bytes written when the last command ended. */
  #told = 0;
  #bytes = 0;
  /** Bytes written that have not gone out. */
  #unsent = 0;
  /** How the task ended; undefined while it runs. */
  #end: { statistics?: Statistics | undefined; error?: PackhorseError } | undefined;
  /** How the stream ended: all sent, or the client gone. */
  #stream: 'open' | 'sent' | 'gone' = 'open';

  constructor(target: PumpTarget, inflight: InflightBytes, resolve: (result: PumpResult) => void) {
    this.#target = target;
    this.#inflight = inflight;
    this.#resolve = resolve;
  }

  start(pool: WorkerPool, task: Parameters<WorkerPool['run']>[0]): void {
    this.#task = pool.run(task, this);
    const { stream, input, draining } = this.#target;
    if (input) this.#feed = new InputFeed(input, this.#task, draining);
    stream.once('finish', () => this.#streamEnded('sent'));
    stream.once('close', () => this.#streamEnded('gone'));
    if (stream.destroyed) this.#streamEnded('gone');
  }

  onMessage(message: Exclude<WorkerMessage, { type: 'end' | 'error' }>): void {
    switch (message.type) {
      case 'chunk': {
        const { buffer, length } = message;
        const frames = new Uint8Array(buffer, 0, length);
        stampFrames(frames, this.#bands ?? 'none');
        this.#write(frames, () => this.#task?.credit(length, buffer));
        break;
      }
      case 'section': {
        const { bytes, bands } = message;
        // What is longer than it is was lent by the worker.
        const lent = bytes.byteLength < bytes.buffer.byteLength ? bytes.buffer : undefined;
        this.#write(bytes, () => this.#task?.credit(bytes.length, lent));
        if (bands !== undefined) this.#bands = bands;
        break;
      }
      case 'file':
        this.#target.file?.(message.bytes, message.modified);
        break;
      case 'progress':
        this.#write(encodeSideband(2, message.text, this.#bands ?? 'none'));
        break;
      case 'taken':
        this.#feed?.taken(message.bytes);
        break;
      case 'began':
        this.#target.began?.();
        break;
      case 'answered':
        this.#feed?.answered();
        this.#target.answered?.(message.statistics, this.#bytes - this.#told);
        this.#told = this.#bytes;
    }
  }

  onEnd(statistics: Statistics): void {
    this.#end = { statistics };
    if (this.#stream === 'open') {
      this.#begin();
      this.#target.stream.end();
    }
    this.#settle();
  }

  onError(error: PackhorseError, statistics: Statistics | undefined): void {
    this.#end = { error, statistics };
    if (this.#stream === 'open') {
      if (!this.#begun && (this.#bands ?? 'none') === 'none') this.#target.refuse(error);
      // Where there is no band to say it on, only a pack that is cut short tells.
      else if (this.#bands === 'none') this.#target.stream.destroy();
      else {
        this.#write(encodeFailure(error, this.#bands ?? undefined));
        this.#target.stream.end();
      }
    }
    this.#settle();
  }

  #begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#target.begin();
  }

  #write(bytes: Uint8Array, taken: () => void = () => {}): void {
    if (this.#stream !== 'open' || bytes.length === 0) return;
    this.#begin();
    this.#bytes += bytes.length;
    this.#unsent += bytes.length;
    this.#inflight.add(bytes.length);
    this.#target.stream.write(bytes, (error) => {
      // After the stream's close its bytes are not counted any more, and not all callbacks come.
      if (error || this.#stream === 'gone') return;
      this.#unsent -= bytes.length;
      this.#inflight.remove(bytes.length);
      taken();
    });
  }

  #streamEnded(how: 'sent' | 'gone'): void {
    if (this.#stream !== 'open') return;
    this.#stream = how;
    this.#inflight.remove(this.#unsent);
    this.#unsent = 0;
    this.#feed?.stop();
    if (!this.#end) this.#task?.cancel();
    this.#settle();
  }

  #settle(): void {
    if (!this.#end || this.#stream === 'open') return;
    const { statistics, error } = this.#end;
    const gone = this.#stream === 'gone' && !error ? cancelled() : error;
    this.#resolve({ statistics, error: gone, bytes: this.#bytes - this.#told });
  }
}
