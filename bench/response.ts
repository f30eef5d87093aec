/** Reads the response to a `fetch` as it comes: checks framing and pack, keeps nothing. */
import crypto from 'node:crypto';

const PACK_HEADER = 12;
/** A sideband-64k frame at most, its length included. */
const LONGEST_PACKET = 65_520;
const FLUSH = 0;
const DELIM = 1;

export class FetchResponse {
  /** Bytes of the pack so far, trailer included. */
  packBytes = 0;
  /** As the pack's header says; undefined until it is there. */
  objects: number | undefined;
  readonly #onProgress: (text: string) => void;
  readonly #hash: crypto.Hash;
  readonly #hashBytes: number;
  /** The last bytes of the pack, which may be its trailer. */
  readonly #tail: Buffer;
  #tailLength = 0;
  readonly #header = Buffer.alloc(PACK_HEADER);
  /** The packet that is being read: its length digits, then what is still to come, and its band once in the pack. */
  #digits = '';
  #left = 0;
  #band = 0;
  #text = '';
  #inPack = false;
  #ended = false;

  /** @param onProgress told of every text on band 2 */
  constructor(format: string, onProgress: (text: string) => void = () => {}) {
    this.#onProgress = onProgress;
    this.#hash = crypto.createHash(format);
    this.#hashBytes = format === 'sha1' ? 20 : 32;
    this.#tail = Buffer.alloc(this.#hashBytes);
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
    if (this.#band === 1) this.#pack(data);
    else this.#text += data.toString('latin1');
  }

  #endPacket(): void {
    if (this.#band === 3 || this.#text.startsWith('ERR ')) throw new Error(`the server says: ${this.#text}`);
    if (this.#band === 2) this.#onProgress(this.#text);
    if (!this.#inPack) this.#inPack = this.#text === 'packfile\n';
  }

  #pack(data: Buffer): void {
    if (this.packBytes < PACK_HEADER) {
      data.copy(this.#header, this.packBytes);
      if (this.packBytes + data.length >= PACK_HEADER) this.#readHeader();
    }
    this.packBytes += data.length;
    const over = this.#tailLength + data.length - this.#hashBytes;
    const fromTail = Math.min(this.#tailLength, Math.max(0, over));
    this.#hash.update(this.#tail.subarray(0, fromTail));
    this.#tail.copyWithin(0, fromTail, this.#tailLength);
    this.#tailLength -= fromTail;
    const kept = Math.min(data.length, this.#hashBytes - this.#tailLength);
    this.#hash.update(data.subarray(0, data.length - kept));
    data.copy(this.#tail, this.#tailLength, data.length - kept);
    this.#tailLength += kept;
  }

  #readHeader(): void {
    if (this.#header.toString('latin1', 0, 4) !== 'PACK') throw new Error('the pack has no header');
    this.objects = this.#header.readUInt32BE(8);
  }

  #flush(): void {
    if (!this.#inPack) throw new Error('the response has no pack');
    if (!this.#hash.digest().equals(this.#tail)) throw new Error("the pack's trailing hash is wrong");
    this.#ended = true;
  }
}
