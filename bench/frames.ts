/** Reads the framing of the response to a `fetch` as it comes: packets, then bands once the pack has begun. */

/** A sideband-64k frame at most, its length included. */
const LONGEST_PACKET = 65_520;
const FLUSH = 0;
const DELIM = 1;

export interface FrameHandlers {
  /** Bytes on band 1, in order; they are not the reader's to keep. */
  readonly onPack?: (data: Buffer) => void;
  /** Every text on band 2. */
  readonly onProgress?: (text: string) => void;
}

export class Frames {
  /** Bytes of the pack so far, trailer included. */
  packBytes = 0;
  readonly #handlers: FrameHandlers;
  /** The packet that is being read: its length digits, then what is still to come, and its band once in the pack. */
  #digits = '';
  #left = 0;
  #band = 0;
  #text = '';
  #inPack = false;
  #ended = false;

  constructor(handlers: FrameHandlers = {}) {
    this.#handlers = handlers;
  }

  /** @throws Error when the bytes are no valid response, or tell of a failure */
  push(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#left === 0) {
        this.#digits += String.fromCharCode(bytes[at++]);
        if (this.#digits.length === 4) this.#startPacket();
        continue;
      }
      const n = Math.min(this.#left, bytes.length - at);
      this.#left -= n;
      this.#payload(bytes.subarray(at, at + n));
      at += n;
      if (this.#left === 0) this.#endPacket();
    }
  }

  /** @throws Error when the response is not whole */
  end(): void {
    if (!this.#ended) throw new Error('the response ended before its last flush');
  }

  #startPacket(): void {
    const length = Number.parseInt(this.#digits, 16);
    const digits = this.#digits;
    this.#digits = '';
    if (this.#ended) throw new Error('the response goes on after its last flush');
    if (length === FLUSH) this.#flush();
    else if (length === DELIM && !this.#inPack) return;
    else if (length > 4 && length <= LONGEST_PACKET) this.#left = length - 4;
    else throw new Error(`a packet has the length ${digits}`);
    this.#band = 0;
    this.#text = '';
  }

  #payload(bytes: Buffer): void {
    let data = bytes;
    if (this.#inPack && this.#band === 0) {
      this.#band = bytes[0];
      if (this.#band < 1 || this.#band > 3) throw new Error(`a frame has the band ${this.#band}`);
      data = bytes.subarray(1);
    }
    if (this.#band === 1) {
      this.packBytes += data.length;
      this.#handlers.onPack?.(data);
    } else this.#text += data.toString('latin1');
  }

  #endPacket(): void {
    if (this.#band === 3 || this.#text.startsWith('ERR ')) throw new Error(`the server says: ${this.#text}`);
    if (this.#band === 2) this.#handlers.onProgress?.(this.#text);
    if (!this.#inPack) this.#inPack = this.#text === 'packfile\n';
  }

  #flush(): void {
    if (!this.#inPack) throw new Error('the response has no pack');
    this.#ended = true;
  }
}
