/** A response into the channel: what the pack stages and commands write to inside of a worker. */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { Credit } from '../src/channel/credit.ts';
import type {
  FromWorker,
  Leave as Given,
  PlaceRequest,
  SentFile,
  ToWorker,
} from '../src/channel/messages.ts';
import { cancelled, errorToWire, type WireError } from '../src/errors.ts';
import { Pace } from '../src/pack/pace.ts';
import { PacketInput } from '../src/protocol/packet-input.ts';
import { type Framing, SLOT_BYTES } from '../src/protocol/sideband.ts';
import type { Apart, Leave, ResponseSink } from '../src/upload-pack/response-sink.ts';
import { newStatistics, type Statistics } from '../src/upload-pack/statistics.ts';
import * as serving from './serving.ts';

/** Slots of one chunk: a message costs about 5 µs, so a chunk is large; credit is counted in chunks, so not too large. */
const SLOTS = 4;
const CHUNK_BYTES = SLOTS * SLOT_BYTES;

/** Bytes. So much is posted at once; less waits for the end of the event loop's turn, and goes with what comes until then. */
const POST_AT = SLOT_BYTES;

/**
 * Chunks to be filled again, by any task of this thread: to allocate them costs more than a small fetch. Tasks whose
 * clients take little are not to keep any.
 */
const spare: ArrayBuffer[] = [];
const MOST_SPARE = 16;

type Message = FromWorker<Statistics, WireError, Framing>;

export class ChannelSink implements ResponseSink {
  /** What the client says on this connection. */
  readonly input = new PacketInput(
    (bytes) => this.#add({ type: 'taken', bytes }),
    () => this.#add({ type: 'read' }),
  );
  readonly #port: MessagePort;
  readonly #credit: Credit;
  readonly #pace: Pace;
  /** What is not posted yet, with its memory and how many bytes that is. */
  #messages: Message[] = [];
  #transfer: ArrayBuffer[] = [];
  #bytes = 0;
  #posting: NodeJS.Immediate | undefined;
  #placed: ((leave: Given) => void) | undefined;
  #bands: Framing | null;

  /**
   * @param window bytes that may be on their way to the client at once
   * @param bands how what is sent is framed from the start; null: not at all
   */
  constructor(port: MessagePort, window: number, pace: Pace, bands: Framing | null = null) {
    this.#port = port;
    this.#bands = bands;
    this.#credit = new Credit(window);
    this.#pace = pace;
    pace.onCancel(() => {
      this.#credit.release();
      this.#placed?.('served');
      this.input.fail(cancelled());
    });
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

  get framing(): Framing {
    return this.#bands ?? 'none';
  }

  takeChunk(): ArrayBuffer | Promise<ArrayBuffer> {
    const coming = this.#credit.expect(CHUNK_BYTES);
    if (!coming) return takeSpare();
    return coming.then(() => {
      this.#pace.check();
      return takeSpare();
    });
  }

  async sendChunk(buffer: ArrayBuffer, length: number): Promise<void> {
    await this.#take(length);
    if (length > SLOT_BYTES) {
      this.#add({ type: 'chunk', buffer, length }, buffer);
      return;
    }
    const own = buffer.slice(0, length);
    giveSpare(buffer);
    this.#add({ type: 'chunk', buffer: own, length }, own);
  }

  sendLines(bytes: Uint8Array): Promise<void> {
    return this.#sendSection(bytes);
  }

  openBands(bytes: Uint8Array, framing: Framing): Promise<void> {
    this.#bands = framing;
    return this.#sendSection(bytes, { bands: framing });
  }

  closeBands(bytes: Uint8Array): Promise<void> {
    this.#bands = null;
    return this.#sendSection(bytes, { bands: null });
  }

  async enter(request: PlaceRequest, statistics: Statistics): Promise<Leave> {
    this.#pace.check();
    this.#add({ type: 'place', ...request, statistics });
    const leave = await new Promise<Given>((resolve) => {
      this.#placed = resolve;
    });
    if (typeof leave === 'object') return this.#apart(leave);
    this.#pace.check();
    return leave;
  }

  sendProgress(text: string): void {
    this.#add({ type: 'progress', text });
  }

  /** Says what file is sent. */
  announceFile(file: SentFile): void {
    this.#add({ type: 'file', ...file });
  }

  /** Says that a command of a connection begins. */
  began(): void {
    this.#add({ type: 'began' });
  }

  /** Says that a command has been answered and another may come. */
  answered(statistics: Statistics): void {
    this.#add({ type: 'answered', statistics });
  }

  /** Ends the task. */
  end(statistics: Statistics): void {
    this.#end({ type: 'end', statistics });
  }

  /** Ends the task. */
  fail(error: WireError, statistics: Statistics): void {
    this.#end({ type: 'error', error, statistics });
  }

  #place(leave: Given): void {
    // The task ended just now: what was to be made apart has no one to make it.
    if (typeof leave === 'object' && this.#pace.cancelled)
      this.#apart(leave).fail(cancelled(), newStatistics('none'));
    this.#placed?.(leave);
  }

  #apart({ port, window }: Exclude<Given, string>): Apart {
    const pace = new Pace();
    const sink = new ChannelSink(port, window, pace, this.#bands);
    serving.begin();
    const over = () => {
      port.unref();
      serving.end();
    };
    return {
      sink,
      pace,
      end(statistics) {
        sink.end(statistics);
        over();
      },
      fail(error, statistics) {
        sink.fail(errorToWire(error), statistics);
        over();
      },
    };
  }

  async #take(bytes: number): Promise<void> {
    await this.#credit.take(bytes);
    this.#pace.check();
  }

  async #sendSection(bytes: Uint8Array, change: { bands?: Framing | null } = {}): Promise<void> {
    await this.#take(bytes.length);
    const own = this.#memoryFor(bytes.length);
    own.set(bytes);
    this.#add({ type: 'section', bytes: own, ...change }, own.buffer);
  }

  /** Memory to be transferred: a chunk for much, as those come back and are used again. */
  #memoryFor(length: number): Uint8Array<ArrayBuffer> {
    if (length <= SLOT_BYTES || length > CHUNK_BYTES) return new Uint8Array(length);
    return new Uint8Array(takeSpare(), 0, length);
  }

  #add(message: Message, memory?: ArrayBuffer): void {
    this.#messages.push(message);
    if (memory) {
      this.#transfer.push(memory);
      this.#bytes += memory.byteLength;
    }
    if (this.#bytes >= POST_AT) this.#post();
    else this.#posting ??= setImmediate(() => this.#post());
  }

  #end(message: Message): void {
    this.#messages.push(message);
    this.#post();
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
    switch (message.type) {
      case 'cancel':
        this.#pace.cancel();
        break;
      case 'input':
        this.input.push(message.bytes);
        break;
      case 'place':
        this.#place(message.leave);
        break;
      case 'input-end':
        this.input.end();
        break;
      case 'credit':
        if (message.buffer) giveSpare(message.buffer);
        this.#credit.give(message.bytes, message.window);
    }
  }
}

function takeSpare(): ArrayBuffer {
  return spare.pop() ?? new ArrayBuffer(CHUNK_BYTES);
}

/** What came back; the memory of a short chunk does too, and is no chunk. */
function giveSpare(buffer: ArrayBuffer): void {
  if (buffer.byteLength === CHUNK_BYTES && spare.length < MOST_SPARE) spare.push(buffer);
}
