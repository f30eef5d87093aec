/** From a client that speaks for as long as it listens to the worker: no more than the worker has asked for. */
import type { Readable } from 'node:stream';
import { INPUT_WINDOW } from '../channel/messages.ts';
import type { RunningTask } from './pool.ts';

export class InputFeed {
  readonly #input: Readable;
  readonly #task: Pick<RunningTask, 'input' | 'endInput'>;
  readonly #draining: AbortSignal | undefined;
  /** Bytes that the worker has and has not taken. */
  #waiting = 0;
  /** Whether the client has said something that is not answered yet. */
  #asks = false;

  /** @param draining when it is aborted, the input ends as soon as the client has its answer */
  constructor(input: Readable, task: Pick<RunningTask, 'input' | 'endInput'>, draining?: AbortSignal) {
    this.#input = input;
    this.#task = task;
    this.#draining = draining;
    input.on('data', this.#send);
    // A client may be done with speaking long before it is done with listening.
    input.once('end', this.#end);
    draining?.addEventListener('abort', this.#endIfQuiet);
    this.#endIfQuiet();
    input.resume();
  }

  /** Whether the worker has taken all that the client has said. */
  get isTaken(): boolean {
    return this.#waiting === 0;
  }

  /** Says that the worker has taken bytes. */
  taken(bytes: number): void {
    this.#waiting -= bytes;
    if (this.#waiting < INPUT_WINDOW) this.#input.resume();
  }

  /** Says that the client has its answer. */
  answered(): void {
    this.#asks = false;
    this.#endIfQuiet();
  }

  /** What still comes is no one's. */
  stop(): void {
    this.#input.off('data', this.#send);
    this.#input.off('end', this.#end);
    this.#draining?.removeEventListener('abort', this.#endIfQuiet);
  }

  readonly #send = (data: Buffer): void => {
    this.#asks = true;
    this.#waiting += data.length;
    if (this.#waiting >= INPUT_WINDOW) this.#input.pause();
    this.#task.input(new Uint8Array(data)); // memory of its own, to be transferred
  };

  readonly #endIfQuiet = (): void => {
    if (!this.#draining?.aborted || this.#asks) return;
    this.stop();
    this.#end();
  };

  readonly #end = (): void => this.#task.endInput();
}
