/** A reader of a stream, whether that lies in a file or is being written. */
import { cancelled } from '../../errors.ts';
import type { StreamHead, StreamReader, StreamTail } from './stream.ts';

/** Where a reader gets its bytes from; it has one of its own. */
export interface StreamSource {
  readonly head: StreamHead;
  readonly tail: Promise<StreamTail>;
  /**
   * What comes at a position, at most a block and perhaps more than `most`; undefined at the end. The position of the
   * first call is 0, that of each other where the last one ended.
   */
  next(position: number, most: number): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Takes memory back; where it is shared with others, nothing is done with it. */
  free?(block: Uint8Array<ArrayBuffer>): void;
  /** Called once; a call of `next` that waits is to reject. */
  close(): void;
}

const NOTHING = new Uint8Array();

export class SourceReader implements StreamReader {
  readonly #source: StreamSource;
  /** Where what was got last ends. */
  #position = 0;
  /** What was got and not given out yet. */
  #rest: Uint8Array<ArrayBuffer> = NOTHING;
  #state: 'open' | 'ended' | 'closed' = 'open';

  constructor(source: StreamSource) {
    this.#source = source;
  }

  get head(): StreamHead {
    return this.#source.head;
  }

  get tail(): Promise<StreamTail> {
    return this.#source.tail;
  }

  async read(most: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (this.#isClosed) throw cancelled();
    if (this.#rest.length === 0) {
      const next = await this.#next(most);
      if (!next) return undefined;
      this.#position += next.length;
      this.#rest = next;
    }
    const given = this.#rest.subarray(0, most);
    this.#rest = given.length < this.#rest.length ? this.#rest.subarray(given.length) : NOTHING;
    return given;
  }

  free(bytes: Uint8Array<ArrayBuffer>): void {
    this.#source.free?.(bytes);
  }

  close(): void {
    this.#leave('closed');
    this.#state = 'closed';
    this.#rest = NOTHING;
  }

  /** Who has come to the end, or to an error, needs the source no more. */
  async #next(most: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (this.#state === 'ended') return undefined;
    try {
      const next = await this.#source.next(this.#position, most);
      if (this.#isClosed) throw cancelled();
      if (!next) this.#leave('ended');
      return next;
    } catch (error) {
      this.#leave('closed');
      throw error;
    }
  }

  /** It may be closed while it waits. */
  get #isClosed(): boolean {
    return this.#state === 'closed';
  }

  #leave(state: 'ended' | 'closed'): void {
    if (this.#state !== 'open') return;
    this.#state = state;
    this.#source.close();
  }
}
