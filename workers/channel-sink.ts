/** A response into the channel: what the pack stages and commands write to inside of a worker. */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { Credit } from '../src/channel/credit.ts';
import type { FromWorker, ToWorker } from '../src/channel/messages.ts';
import type { WireError } from '../src/errors.ts';
import type { Pace } from '../src/pack/pace.ts';
import { SLOT_BYTES } from '../src/protocol/sideband.ts';
import type { ResponseSink } from '../src/upload-pack/response-sink.ts';
import type { Statistics } from '../src/upload-pack/statistics.ts';

/** Slots of one chunk: a message costs about 5 µs, so a chunk is large; credit is counted in chunks, so not too large. */
const SLOTS = 4;

export class ChannelSink implements ResponseSink {
  readonly #port: MessagePort;
  readonly #credit: Credit;
  readonly #pace: Pace;
  readonly #spare: ArrayBuffer[] = [];

  /** @param window bytes that may be on their way to the client at once */
  constructor(port: MessagePort, window: number, pace: Pace) {
    this.#port = port;
    this.#credit = new Credit(window);
    this.#pace = pace;
    pace.onCancel(() => this.#credit.release());
    // What was said while the task was queued: a client that went away before it began.
    for (let early = receiveMessageOnPort(port); early; early = receiveMessageOnPort(port)) {
      this.#receive(early.message);
    }
    port.on('message', (message: ToWorker) => this.#receive(message));
    // The main thread closes the port when it is done with the task, or when it dies.
    port.on('close', () => pace.cancel());
  }

  get waited(): number {
    return this.#credit.waited;
  }

  takeChunk(): ArrayBuffer {
    return this.#spare.pop() ?? new ArrayBuffer(SLOTS * SLOT_BYTES);
  }

  async sendChunk(buffer: ArrayBuffer, length: number): Promise<void> {
    await this.#take(length);
    this.#post({ type: 'chunk', buffer, length }, [buffer]);
  }

  async sendLines(bytes: Uint8Array): Promise<void> {
    await this.#take(bytes.length);
    // Posted as it is, a view would take all of the memory that it looks into along.
    const copy = new Uint8Array(bytes);
    this.#post({ type: 'section', bytes: copy, opensPack: false }, [copy.buffer]);
  }

  async openPack(line: Uint8Array): Promise<void> {
    await this.#take(line.length);
    this.#post({ type: 'section', bytes: line, opensPack: true });
  }

  sendProgress(text: string): void {
    this.#post({ type: 'progress', text });
  }

  /** Ends the task. */
  end(statistics: Statistics): void {
    this.#post({ type: 'end', statistics });
  }

  /** Ends the task. */
  fail(error: WireError, statistics: Statistics): void {
    this.#post({ type: 'error', error, statistics });
  }

  async #take(bytes: number): Promise<void> {
    await this.#credit.take(bytes);
    this.#pace.check();
  }

  #post(message: FromWorker<Statistics, WireError>, transfer: ArrayBuffer[] = []): void {
    this.#port.postMessage(message, transfer);
  }

  #receive(message: ToWorker): void {
    if (message.type === 'cancel') {
      this.#pace.cancel();
      return;
    }
    if (message.buffer) this.#spare.push(message.buffer);
    this.#credit.give(message.bytes);
  }
}
