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
const CHUNK_BYTES = SLOTS * SLOT_BYTES;

/** Bytes. So much is posted at once; less waits for the end of the event loop's turn, and goes with what comes until then. */
const POST_AT = SLOT_BYTES;

/** Chunks that tasks of this thread left behind, for the next ones: to allocate them costs more than a small fetch. */
const leftBehind: ArrayBuffer[] = [];
const MOST_LEFT_BEHIND = 8;

export class ChannelSink implements ResponseSink {
  readonly #port: MessagePort;
  readonly #credit: Credit;
  readonly #pace: Pace;
  readonly #spare: ArrayBuffer[] = [];
  /** What is not posted yet, with its memory and how many bytes that is. */
  #messages: FromWorker<Statistics, WireError>[] = [];
  #transfer: ArrayBuffer[] = [];
  #bytes = 0;
  #posting: NodeJS.Immediate | undefined;

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
    return this.#spare.pop() ?? leftBehind.pop() ?? new ArrayBuffer(CHUNK_BYTES);
  }

  async sendChunk(buffer: ArrayBuffer, length: number): Promise<void> {
    await this.#take(length);
    if (length > SLOT_BYTES) {
      this.#add({ type: 'chunk', buffer, length }, buffer);
      return;
    }
    const own = buffer.slice(0, length);
    this.#spare.push(buffer);
    this.#add({ type: 'chunk', buffer: own, length }, own);
  }

  sendLines(bytes: Uint8Array): Promise<void> {
    return this.#sendSection(bytes, false);
  }

  openPack(line: Uint8Array): Promise<void> {
    return this.#sendSection(line, true);
  }

  sendProgress(text: string): void {
    this.#add({ type: 'progress', text });
  }

  /** Ends the task. */
  end(statistics: Statistics): void {
    this.#end({ type: 'end', statistics });
  }

  /** Ends the task. */
  fail(error: WireError, statistics: Statistics): void {
    this.#end({ type: 'error', error, statistics });
  }

  async #take(bytes: number): Promise<void> {
    await this.#credit.take(bytes);
    this.#pace.check();
  }

  async #sendSection(bytes: Uint8Array, opensPack: boolean): Promise<void> {
    await this.#take(bytes.length);
    const own = this.#memoryFor(bytes.length);
    own.set(bytes);
    this.#add({ type: 'section', bytes: own, opensPack }, own.buffer);
  }

  /** Memory to be transferred: a chunk for much, as those come back and are used again. */
  #memoryFor(length: number): Uint8Array<ArrayBuffer> {
    if (length <= SLOT_BYTES || length > CHUNK_BYTES) return new Uint8Array(length);
    return new Uint8Array(this.takeChunk(), 0, length);
  }

  #add(message: FromWorker<Statistics, WireError>, memory?: ArrayBuffer): void {
    this.#messages.push(message);
    if (memory) {
      this.#transfer.push(memory);
      this.#bytes += memory.byteLength;
    }
    if (this.#bytes >= POST_AT) this.#post();
    else this.#posting ??= setImmediate(() => this.#post());
  }

  #end(message: FromWorker<Statistics, WireError>): void {
    this.#messages.push(message);
    this.#post();
    while (this.#spare.length > 0 && leftBehind.length < MOST_LEFT_BEHIND)
      leftBehind.push(this.#spare.pop()!);
  }

  #post(): void {
    clearImmediate(this.#posting);
    this.#posting = undefined;
    this.#port.postMessage(this.#messages, this.#transfer);
    this.#messages = [];
    this.#transfer = [];
    this.#bytes = 0;
  }

  #receive(message: ToWorker): void {
    if (message.type === 'cancel') {
      this.#pace.cancel();
      return;
    }
    // That of a short chunk comes back too, and is no chunk.
    if (message.buffer?.byteLength === CHUNK_BYTES) this.#spare.push(message.buffer);
    this.#credit.give(message.bytes);
  }
}
