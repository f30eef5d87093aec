/** From a worker's channel to a client: frame headers stamped, bytes written, credit returned when they are gone. */
import type { Writable } from 'node:stream';
import { cancelled, type PackhorseError } from '../errors.ts';
import { encodeFailure } from '../protocol/failure.ts';
import { encodeSideband, stampFrames } from '../protocol/sideband.ts';
import type { Statistics } from '../upload-pack/statistics.ts';
import type { InflightBytes } from './inflight.ts';
import type { RunningTask, TaskListener, WorkerMessage, WorkerPool } from './pool.ts';

export interface PumpTarget {
  readonly stream: Writable;
  /** Called once, before the first byte: the door writes its head. */
  begin(): void;
  /** Called instead of `begin` when the task failed before the first byte: the door answers as it does for errors. */
  refuse(error: PackhorseError): void;
}

export interface PumpResult {
  readonly statistics: Statistics | undefined;
  readonly error: PackhorseError | undefined;
  /** Bytes written to the client, framing included. */
  readonly bytes: number;
}

/**
 * Runs a task and sends its response. Resolves when the worker has ended the task, never before, and never rejects.
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
  #inPack = false;
  #bytes = 0;

  constructor(target: PumpTarget, inflight: InflightBytes, resolve: (result: PumpResult) => void) {
    this.#target = target;
    this.#inflight = inflight;
    this.#resolve = resolve;
  }

  start(pool: WorkerPool, task: Parameters<WorkerPool['run']>[0]): void {
    this.#task = pool.run(task, this);
    const { stream } = this.#target;
    stream.once('close', this.#clientClosed);
    if (stream.destroyed) this.#clientClosed();
  }

  onMessage(message: Exclude<WorkerMessage, { type: 'end' | 'error' }>): void {
    if (message.type === 'chunk') {
      const { buffer, length } = message;
      const frames = new Uint8Array(buffer, 0, length);
      stampFrames(frames);
      this.#write(frames, () => this.#task?.credit(length, buffer));
    } else if (message.type === 'section') {
      const { bytes } = message;
      this.#write(bytes, () => this.#task?.credit(bytes.length));
      if (message.opensPack) this.#inPack = true;
    } else {
      this.#write(encodeSideband(2, message.text), () => {});
    }
  }

  onEnd(statistics: Statistics): void {
    this.#begin();
    this.#finish({ statistics, error: undefined, bytes: this.#bytes });
  }

  onError(error: PackhorseError): void {
    const { stream } = this.#target;
    const result = {
      statistics: undefined,
      error: stream.destroyed ? cancelled() : error,
      bytes: this.#bytes,
    };
    if (stream.destroyed) {
      this.#finish(result);
    } else if (!this.#begun) {
      stream.off('close', this.#clientClosed);
      this.#target.refuse(error);
      this.#resolve(result);
    } else {
      this.#write(encodeFailure(error.client, this.#inPack), () => {});
      this.#finish({ ...result, bytes: this.#bytes });
    }
  }

  readonly #clientClosed = () => this.#task?.cancel();

  #write(bytes: Uint8Array, taken: () => void): void {
    this.#begin();
    this.#bytes += bytes.length;
    this.#inflight.add(bytes.length);
    this.#target.stream.write(bytes, () => {
      this.#inflight.remove(bytes.length);
      taken();
    });
  }

  #begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    if (!this.#target.stream.destroyed) this.#target.begin();
  }

  #finish(result: PumpResult): void {
    const { stream } = this.#target;
    stream.off('close', this.#clientClosed);
    if (!stream.destroyed) stream.end();
    this.#resolve(result);
  }
}
