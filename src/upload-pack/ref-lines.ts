/** The lines of an `ls-refs` answer, made in one buffer that is used again and sent whenever it is full. */
import { repositoryCorrupt } from '../errors.ts';
import { FLUSH, MAX_PKT_PAYLOAD, writeLength } from '../protocol/pkt-line.ts';
import { SLOT_BYTES } from '../protocol/sideband.ts';
import type { PackedLine } from '../repository/packed-line.ts';
import type { ResponseSink } from './response-sink.ts';

/** A piece is sent when it has grown to this, so that with one more line it fits in a chunk. */
const PIECE_BYTES = 3 * SLOT_BYTES;
const PEELED = Buffer.from(' peeled:');
const LF = 10;

export class RefLines {
  readonly #sink: Pick<ResponseSink, 'sendLines'>;
  readonly #buffer = Buffer.allocUnsafeSlow(PIECE_BYTES + MAX_PKT_PAYLOAD + 4);
  #length = 0;
  /** Bytes that may still be kept. */
  #room: number;
  #pieces: Uint8Array[] = [];
  #count = 0;

  /** @param most bytes of an answer that is to be kept */
  constructor(sink: Pick<ResponseSink, 'sendLines'>, most: number) {
    this.#sink = sink;
    this.#room = most;
  }

  /** Lines so far. */
  get count(): number {
    return this.#count;
  }

  /** @param text byte string without LF */
  add(text: string): Promise<void> | undefined {
    this.#buffer.write(text, this.#length + 4, 'latin1');
    return this.#end(this.#length + 4 + text.length);
  }

  /** @param peel whether to add the peeled value that the line has */
  addPacked(line: PackedLine, peel: boolean): Promise<void> | undefined {
    const { data } = line;
    let at = copy(data, line.start, line.nameEnd, this.#buffer, this.#length + 4);
    if (peel && line.peeled >= 0) {
      at = copy(PEELED, 0, PEELED.length, this.#buffer, at);
      at = copy(data, line.peeled, line.peeled + line.nameStart - 1 - line.start, this.#buffer, at);
    }
    return this.#end(at);
  }

  /**
   * Sends the rest and the flush.
   * @returns the whole answer, unless it is longer than what is to be kept
   */
  async finish(): Promise<readonly Uint8Array[] | undefined> {
    this.#buffer.set(FLUSH, this.#length);
    this.#length += FLUSH.length;
    await this.#send();
    return this.#room >= 0 ? this.#pieces : undefined;
  }

  #end(at: number): Promise<void> | undefined {
    if (at + 1 > this.#length + 4 + MAX_PKT_PAYLOAD) throw repositoryCorrupt('the name of a ref is too long');
    this.#buffer[at] = LF;
    writeLength(this.#buffer, this.#length, at + 1 - this.#length);
    this.#length = at + 1;
    this.#count++;
    return this.#length >= PIECE_BYTES ? this.#send() : undefined;
  }

  async #send(): Promise<void> {
    const piece = this.#buffer.subarray(0, this.#length);
    this.#room -= this.#length;
    this.#length = 0;
    if (this.#room >= 0) this.#pieces.push(new Uint8Array(piece));
    else this.#pieces = [];
    await this.#sink.sendLines(piece);
  }
}

function copy(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): number {
  let target = at;
  for (let i = start; i < end; i++) to[target++] = from[i];
  return target;
}
