/** What a stream that has no name yet, and the store that it is to be kept in, know of each other. */
import type { StreamHead } from './stream.ts';

export interface UnfinishedStream {
  readonly key: string;
  /** Where the file lies until it gets its name. */
  readonly path: string;
  /** Nothing is kept of it; nothing happens where it was finished before. */
  abort(error: Error): Promise<void>;
}

/** Who keeps the books of the disk. */
export interface StreamKeeper {
  /** Whether a stream's file may become so many bytes long. */
  makeRoom(stream: UnfinishedStream, bytes: number): boolean;
  /** The file, now of this size, is to get its name. */
  keep(stream: UnfinishedStream, head: StreamHead, bytes: number): Promise<void>;
  /** Nothing is written any more, and the file is to be removed unless it has its name. */
  ended(stream: UnfinishedStream): Promise<void>;
  onFault(error: Error): void;
}
