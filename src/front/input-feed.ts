/** From a client that speaks for as long as it listens to the worker: no more than the worker has asked for. */
import type { Readable } from 'node:stream';
import { INPUT_WINDOW } from '../channel/messages.ts';
import type { ClientTurn } from './client-turn.ts';
import type { RunningTask } from './pool.ts';

export class InputFeed {
  readonly #input: Readable;
  readonly #task: Pick<RunningTask, 'input' | 'endInput'>;
  readonly #turn: ClientTurn | undefined;
  /** Bytes that the worker has and has not taken. */
  #waiting = 0;

  /** @param turn told whose it is */
  constructor(input: Readable, task: Pick<RunningTask, 'input' | 'endInput'>, turn?: ClientTurn) {
    this.#input = input;
    this.#task = task;
    this.#turn = turn;
    input.on('data', this.#send);
    // A client may be done with speaking long before it is done with listening.
    if (input.readableEnded) this.#end();
    else input.once('end', this.#end);
    turn?.look();
    input.resume();
  }

  /** Whether the worker has taken all that the client has said. */
  get isTaken(): boolean {
    return this.#waiting === 0;
  }

  /** Says that the worker has taken bytes, and waits for more. */
  taken(bytes: number): void {
    this.#waiting -= bytes;
    if (this.#waiting < INPUT_WINDOW) this.#input.resume();
    if (!this.#input.readableEnded) this.#turn?.begins();
  }

  /**
   * Says that the client has its answer.
   * @param hasPack whether that is what it came for
   */
  answered(hasPack: boolean): void {
    this.#turn?.answered();
    if (!hasPack) this.#turn?.look();
    else if (this.#turn?.isClosing) {
      this.stop();
      this.#end();
    }
  }

  /** What still comes is no one's. */
  stop(): void {
    this.#input.off('data', this.#send);
    this.#input.off('end', this.#end);
    this.#turn?.stop();
  }

  readonly #send = (data: Buffer): void => {
    this.#turn?.spoke();
    this.#waiting += data.length;
    if (this.#waiting >= INPUT_WINDOW) this.#input.pause();
    this.#task.input(new Uint8Array(data)); // memory of its own, to be transferred
  };

  readonly #end = (): void => this.#task.endInput();
}
