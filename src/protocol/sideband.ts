/**
 * Sideband framing (protocol sections 0.9 and 0.10): a pkt-line whose first byte names a band.
 * Band 1 is pack data, band 2 text for people, band 3 a fatal text after which the stream ends.
 *
 * Pack data travels in **chunks**: a buffer of equal slots, one slot a frame, with the first five bytes of each
 * left free for the frame's header. {@link ChunkFiller} fills the slots, {@link stampFrames} writes the headers.
 */
import { writeLength } from './pkt-line.ts';

export type Band = 1 | 2 | 3;

/** How pack data is framed: what a client asked for by capability, or nothing. */
export type Framing = 'side-band-64k' | 'side-band' | 'none';

interface FrameShape {
  /** Bytes of a whole frame. */
  readonly slot: number;
  /** Bytes of it before the data. */
  readonly header: number;
}

/** Data bytes that one side-band-64k frame carries at most. */
export const MAX_SIDEBAND_DATA = 65515;
/** Bytes before the data of a frame: four of length, one of band. */
export const FRAME_HEADER = 5;
/** Bytes of one whole frame, and of one slot of a chunk. */
export const SLOT_BYTES = MAX_SIDEBAND_DATA + FRAME_HEADER;

const SHAPES: Readonly<Record<Framing, FrameShape>> = {
  'side-band-64k': { slot: SLOT_BYTES, header: FRAME_HEADER },
  'side-band': { slot: 1000, header: FRAME_HEADER },
  none: { slot: SLOT_BYTES, header: 0 },
};

/** Bytes of each frame of a pack but the last. */
export function frameBytes(framing: Framing): number {
  return SHAPES[framing].slot;
}

/**
 * One frame.
 * @param data at most {@link MAX_SIDEBAND_DATA} bytes (text is UTF-8)
 * @throws RangeError when the data does not fit in one frame
 */
export function encodeSidebandFrame(band: Band, data: string | Uint8Array): Uint8Array {
  const body = typeof data === 'string' ? Buffer.from(data) : data;
  if (body.length > MAX_SIDEBAND_DATA) {
    throw new RangeError(`a sideband frame carries at most ${MAX_SIDEBAND_DATA} bytes, not ${body.length}`);
  }
  const frame = Buffer.allocUnsafe(body.length + FRAME_HEADER);
  writeHeader(frame, 0, frame.length, band);
  frame.set(body, FRAME_HEADER);
  return frame;
}

/** Data of any size as whole frames, one behind the other; no data gives no frame, nor does a framing without bands. */
export function encodeSideband(
  band: Band,
  data: string | Uint8Array,
  framing: Framing = 'side-band-64k',
): Uint8Array {
  const { slot, header } = SHAPES[framing];
  if (header === 0) return new Uint8Array();
  const body = typeof data === 'string' ? Buffer.from(data) : data;
  const most = slot - header;
  const frames = Math.ceil(body.length / most);
  const out = Buffer.allocUnsafe(body.length + frames * header);
  for (let i = 0; i < frames; i++) {
    const part = body.subarray(i * most, (i + 1) * most);
    writeHeader(out, i * slot, part.length + header, band);
    out.set(part, i * slot + header);
  }
  return out;
}

/**
 * Writes the header of every frame of a chunk in place; nothing is copied.
 * @param chunk whole slots of the framing, of which the last may be shorter
 */
export function stampFrames(chunk: Uint8Array, framing: Framing = 'side-band-64k', band: Band = 1): void {
  const { slot, header } = SHAPES[framing];
  if (header === 0) return;
  for (let at = 0; at < chunk.length; at += slot) {
    writeHeader(chunk, at, Math.min(slot, chunk.length - at), band);
  }
}

function writeHeader(target: Uint8Array, at: number, length: number, band: Band): void {
  writeLength(target, at, length);
  target[at + 4] = band;
}

/** Fills the slots of a chunk. Bytes are put straight into `bytes` at `at`, then counted with `advance`. */
export class ChunkFiller {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where the next byte goes. */
  at: number;
  readonly #shape: FrameShape;
  /** Where the last whole slot ends. */
  readonly #end: number;
  #slotEnd: number;

  /** @param buffer room for at least one slot; it belongs to the filler until it is handed on */
  constructor(buffer: ArrayBuffer, framing: Framing = 'side-band-64k') {
    this.bytes = new Uint8Array(buffer);
    this.#shape = SHAPES[framing];
    this.#end = buffer.byteLength - (buffer.byteLength % this.#shape.slot);
    this.#slotEnd = this.#shape.slot;
    this.at = this.#shape.header;
  }

  /** Contiguous bytes free at `at`; 0 means that the chunk is full. */
  get room(): number {
    return this.#slotEnd - this.at;
  }

  /** Bytes of the chunk in use, frame headers included; 0 when nothing was put in. */
  get length(): number {
    const { slot, header } = this.#shape;
    const inSlot = this.at - (this.#slotEnd - slot) - header;
    return inSlot === 0 ? this.at - header : this.at;
  }

  /** Counts `n` bytes that were put at `at`; `n` is at most `room`. */
  advance(n: number): void {
    this.at += n;
    if (this.at === this.#slotEnd && this.#slotEnd < this.#end) {
      this.at += this.#shape.header;
      this.#slotEnd += this.#shape.slot;
    }
  }

  /** Copies as much of `data` from `from` as the chunk has room for; returns how much that was. */
  fill(data: Uint8Array, from = 0): number {
    let taken = 0;
    while (from + taken < data.length && this.room > 0) {
      const n = Math.min(this.room, data.length - from - taken);
      this.bytes.set(data.subarray(from + taken, from + taken + n), this.at);
      this.advance(n);
      taken += n;
    }
    return taken;
  }
}

/**
 * Turns writes of any size into sideband frames: every frame is full but, perhaps, the last, which `end` sends.
 * A byte is copied once, so appending costs O(1) a byte. Each frame handed to `emit` belongs to its receiver.
 */
export class SidebandWriter {
  readonly #emit: (frame: Uint8Array) => void | Promise<void>;
  readonly #band: Band;
  #filler: ChunkFiller | undefined;

  /** @param emit takes one frame of at most 65,520 bytes; a promise it returns is awaited (back-pressure) */
  constructor(emit: (frame: Uint8Array) => void | Promise<void>, band: Band = 1) {
    this.#emit = emit;
    this.#band = band;
  }

  async write(data: Uint8Array): Promise<void> {
    for (let from = 0; from < data.length; ) {
      this.#filler ??= new ChunkFiller(new ArrayBuffer(SLOT_BYTES));
      from += this.#filler.fill(data, from);
      if (this.#filler.room === 0) await this.#send();
    }
  }

  /** Sends what is left as one partial frame; nothing where the last write ended on a frame boundary. */
  async end(): Promise<void> {
    await this.#send();
  }

  async #send(): Promise<void> {
    const filler = this.#filler;
    this.#filler = undefined;
    if (!filler || filler.length === 0) return;
    const frame = filler.bytes.subarray(0, filler.length);
    stampFrames(frame, 'side-band-64k', this.#band);
    await this.#emit(frame);
  }
}
