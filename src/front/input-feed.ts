/** From a client that speaks for as long as it listens to the worker: no more than the worker has asked for. */
import type { Readable } from 'node:stream';
import { INPUT_WINDOW } from '../channel/messages.ts';
import type { RunningTask } from './pool.ts';

export class InputFeed {
  readonly #input: Readable;
  readonly #task: Pick<RunningTask, 'input' | 'endInput'>;
  /** Bytes that the worker has and has not taken. */
  #waiting = 0;

  constructor(input: Readable, task: Pick<RunningTask, 'input' | 'endInput'>) {
    this.#input = input;
    this.#task = task;
    input.on('data', this.#send);
    // A client may be done with speaking long before it is done with listening.
    input.once('end', () => task.endInput());
  }

  /** Says that the worker has taken bytes. */
  taken(bytes: number): void {
    this.#waiting -= bytes;
    if (this.#waiting < INPUT_WINDOW) this.#input.resume();
  }

  /** What still comes is no one's. */
  stop(): void {
    this.#input.off('data', this.#send);
  }

  readonly #send = (data: Buffer): void => {
    this.#waiting += data.length;
    if (this.#waiting >= INPUT_WINDOW) this.#input.pause();
    this.#task.input(new Uint8Array(data)); // memory of its own, to be transferred
  };
}
