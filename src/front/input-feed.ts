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
  /** Whether it is being found out if the client may be heard. */
  #isHeld = false;
  #isStopped = false;

  /** @param turn told whose it is */
  constructor(input: Readable, task: Pick<RunningTask, 'input' | 'endInput'>, turn?: ClientTurn) {
    this.#input = input;
    this.#task = task;
    this.#turn = turn;
    input.on('data', this.#take);
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
    this.#flow();
    if (!this.#isHeld && !this.#input.readableEnded) this.#turn?.begins();
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
    this.#isStopped = true;
    this.#input.off('data', this.#take);
    this.#input.off('end', this.#end);
    this.#turn?.stop();
  }

  readonly #take = (data: Buffer): void => {
    const mayBeHeard = this.#turn?.spoke();
    if (!mayBeHeard) {
      this.#send(data);
      return;
    }
    this.#isHeld = true;
    this.#input.pause();
    void mayBeHeard.then((isSo) => {
      this.#isHeld = false;
      if (!isSo || this.#isStopped) return;
      this.#send(data);
      this.#flow();
    });
  };

  #send(data: Buffer): void {
    this.#waiting += data.length;
    if (this.#waiting >= INPUT_WINDOW) this.#input.pause();
    this.#task.input(new Uint8Array(data)); // memory of its own, to be transferred
  }

  #flow(): void {
    if (!this.#isHeld && this.#waiting < INPUT_WINDOW) this.#input.resume();
  }

  readonly #end = (): void => this.#task.endInput();
}
