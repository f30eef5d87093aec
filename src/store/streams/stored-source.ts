/** Blocks of a stream that lies in a file, one after the other. */
import { asPackhorseError } from '../../errors.ts';
import type { StreamSource } from './source-reader.ts';
import { freeBlock, type StoredStream } from './stored-stream.ts';
import type { StreamHead, StreamTail } from './stream.ts';
import { BLOCK } from './stream-format.ts';

export class StoredSource implements StreamSource {
  readonly head: StreamHead;
  readonly tail: Promise<StreamTail>;
  readonly #stream: StoredStream;
  readonly #lost: (error: Error) => void;
  #first: Buffer<ArrayBuffer> | undefined;

  private constructor(
    stream: StoredStream,
    first: Buffer<ArrayBuffer> | undefined,
    lost: (error: Error) => void,
  ) {
    const { head, tail } = stream.ends;
    this.head = head;
    this.tail = Promise.resolve(tail);
    this.#stream = stream;
    this.#first = first;
    this.#lost = lost;
  }

  /**
   * Reads the first block.
   * @param stream given over to it
   * @param lost told when a later block cannot be read, or is damaged
   * @throws DamagedStream; the system's error
   */
  static async start(stream: StoredStream, lost: (error: Error) => void): Promise<StoredSource> {
    try {
      return new StoredSource(stream, await stream.block(0), lost);
    } catch (error) {
      stream.close();
      throw error;
    }
  }

  async next(position: number): Promise<Buffer<ArrayBuffer> | undefined> {
    const first = this.#first;
    this.#first = undefined;
    if (position === 0) return first;
    try {
      return await this.#stream.block(Math.ceil(position / BLOCK));
    } catch (error) {
      this.#lost(error as Error);
      throw asPackhorseError(error);
    }
  }

  free(block: Uint8Array<ArrayBuffer>): void {
    freeBlock(block);
  }

  close(): void {
    this.#first = undefined;
    this.#stream.close();
  }
}
