/** Lines made in one buffer that is used again, and sent whenever it is full. */
import { repositoryCorrupt } from '../errors.ts';
import { MAX_PKT_PAYLOAD, writeLength } from '../protocol/pkt-line.ts';
import { SLOT_BYTES } from '../protocol/sideband.ts';
import type { LineParts } from '../repository/stored-ref.ts';
import type { ResponseSink } from './response-sink.ts';

/** A piece is sent when it has grown to this, so that with one more line it fits in a chunk. */
const PIECE_BYTES = 3 * SLOT_BYTES;
const LF = 10;
const DIGITS = Buffer.from('0123456789abcdef');

export class LineBuffer implements LineParts {
  readonly #sink: Pick<ResponseSink, 'sendLines'>;
  /** Bytes of a line before its text. */
  readonly #head: number;
  readonly #buffer = Buffer.allocUnsafeSlow(PIECE_BYTES + MAX_PKT_PAYLOAD + 5);
  #length = 0;
  /** Where the next byte of the line goes. */
  #at: number;
  /** Bytes that may still be kept. */
  #room: number;
  #pieces: Uint8Array[] = [];

  /**
   * @param most bytes of an answer that is to be kept
   * @param framed whether the lines are pkt-lines
   */
  constructor(sink: Pick<ResponseSink, 'sendLines'>, most: number, framed = true) {
    this.#sink = sink;
    this.#room = most;
    this.#head = framed ? 4 : 0;
    this.#at = this.#head;
  }

  /** Puts a byte string behind what the line has. */
  text(text: string): void {
    this.#reserve(text.length);
    this.#at += this.#buffer.write(text, this.#at, 'latin1');
  }

  /** Puts bytes behind what the line has. */
  copy(from: Uint8Array, start: number, end: number): void {
    this.#reserve(end - start);
    let at = this.#at;
    for (let i = start; i < end; i++) this.#buffer[at++] = from[i];
    this.#at = at;
  }

  /** Puts bytes in hex behind what the line has. */
  hex(from: Uint8Array, start: number, end: number): void {
    this.#reserve(2 * (end - start));
    let at = this.#at;
    for (let i = start; i < end; i++) {
      this.#buffer[at++] = DIGITS[from[i] >>> 4];
      this.#buffer[at++] = DIGITS[from[i] & 15];
    }
    this.#at = at;
  }

  /** Ends the line, with LF; what it returns is to be awaited. */
  end(): Promise<void> | undefined {
    this.#buffer[this.#at] = LF;
    const end = this.#at + 1;
    if (this.#head > 0) writeLength(this.#buffer, this.#length, end - this.#length);
    this.#length = end;
    this.#at = end + this.#head;
    return this.#length >= PIECE_BYTES ? this.#send() : undefined;
  }

  /**
   * Sends the rest.
   * @param last whole packets to be put behind it
   * @returns the whole answer, unless it is longer than what is to be kept
   */
  async finish(last: Uint8Array): Promise<readonly Uint8Array[] | undefined> {
    this.#buffer.set(last, this.#length);
    this.#length += last.length;
    await this.#send();
    return this.#room >= 0 ? this.#pieces : undefined;
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes + 1 - this.#length - this.#head <= MAX_PKT_PAYLOAD) return;
    throw repositoryCorrupt('the name of a ref is too long');
  }

  async #send(): Promise<void> {
    const piece = this.#buffer.subarray(0, this.#length);
    this.#room -= this.#length;
    this.#length = 0;
    this.#at = this.#head;
    if (this.#room >= 0) this.#pieces.push(new Uint8Array(piece));
    else this.#pieces = [];
    await this.#sink.sendLines(piece);
  }
}
