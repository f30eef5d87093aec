/** Packets of a client whose bytes come in pieces: pushed as they arrive, taken one at a time. */
import { hungUp, protocolError } from '../errors.ts';
import { MAX_READ_PAYLOAD, type Packet, readLength } from './pkt-line.ts';

const NOTHING = Buffer.alloc(0);

export class PacketInput {
  readonly #onTaken: (bytes: number) => void;
  readonly #onRead: () => void;
  #bytes: Buffer = NOTHING;
  #at = 0;
  /** Bytes taken that no one was told of. */
  #taken = 0;
  #ended = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;
  #waited = 0;

  /**
   * @param onTaken told, whenever more is waited for, how many bytes have been taken since the last time
   * @param onRead told when the last of the bytes has been taken, and they are let go of
   */
  constructor(onTaken: (bytes: number) => void = () => {}, onRead: () => void = () => {}) {
    this.#onTaken = onTaken;
    this.#onRead = onRead;
  }

  /** Seconds that packets have been waited for so far. */
  get waited(): number {
    return this.#waited;
  }

  /** The packets of bytes that are all there. */
  static of(bytes: Uint8Array): PacketInput {
    const input = new PacketInput();
    input.push(bytes);
    input.end();
    return input;
  }

  /** Adds bytes, which are not to be changed from then on. */
  push(bytes: Uint8Array): void {
    const more = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const rest = this.#bytes.subarray(this.#at);
    this.#bytes = rest.length === 0 ? more : Buffer.concat([rest, more]);
    this.#at = 0;
    this.#wake?.();
  }

  /** Says that no more bytes come. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** Makes whoever waits for a packet, now or later, fail. */
  fail(error: Error): void {
    this.#failure = error;
    this.#wake?.();
  }

  /**
   * The next packet, undefined at the end of the bytes; a promise where it is not there yet. A payload is valid as long
   * as what was pushed is.
   * @throws PackhorseError `PACKHORSE_PROTOCOL` on a malformed, truncated or oversized packet, and what {@link fail} was given
   */
  next(): Packet | undefined | Promise<Packet | undefined> {
    if (this.#failure) throw this.#failure;
    const packet = this.#take();
    if (packet) return packet;
    if (!this.#ended) return this.#wait();
    if (this.#at < this.#bytes.length) throw hungUp();
    return undefined;
  }

  /** Whether all bytes have been taken and no more come; waits until that is known. */
  async isAtEnd(): Promise<boolean> {
    while (!this.#failure && !this.#ended && this.#at === this.#bytes.length) await this.#change();
    if (this.#failure) throw this.#failure;
    return this.#at === this.#bytes.length;
  }

  async #wait(): Promise<Packet | undefined> {
    await this.#change();
    return this.next();
  }

  #change(): Promise<void> {
    this.#onTaken(this.#taken);
    this.#taken = 0;
    const start = performance.now();
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        this.#waited += (performance.now() - start) / 1000;
        resolve();
      };
    });
  }

  #take(): Packet | undefined {
    const bytes = this.#bytes;
    const at = this.#at;
    if (bytes.length - at < 4) return undefined;
    const length = readLength(bytes, at);
    if (length === 0 || length === 1) {
      this.#advance(4);
      return { kind: length === 0 ? 'flush' : 'delim' };
    }
    if (length < 4) throw protocolError(`protocol error: bad line length ${length}`);
    // What git calls the length of a packet that is too long is that of its payload.
    if (length - 4 > MAX_READ_PAYLOAD) throw protocolError(`protocol error: bad line length ${length - 4}`);
    if (length > bytes.length - at) return undefined;
    this.#advance(length);
    const payload = bytes.subarray(at + 4, at + length);
    if (payload.length >= 4 && payload.toString('latin1', 0, 4) === 'ERR ') {
      throw protocolError(`remote error: ${payload.toString('latin1', 4)}`);
    }
    return { kind: 'data', payload };
  }

  #advance(bytes: number): void {
    this.#at += bytes;
    this.#taken += bytes;
    if (!this.#ended || this.#at < this.#bytes.length) return;
    this.#bytes = NOTHING;
    this.#at = 0;
    this.#onRead();
  }
}
