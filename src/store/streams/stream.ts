/** Streams that are kept: what is said of each, and how one is written and read. */

export interface StreamHead {
  /** Hexadecimal, of everything that decides the bytes. */
  readonly key: string;
  /** The path that the client asked for that was first: others may lead to the same repository. */
  readonly repository: string;
  /** Where that is on disk; unknown of files of older releases. */
  readonly place?: RepositoryPlace;
  readonly kind: 'clone' | 'fetch' | 'shallow';
  /** Milliseconds since 1970. */
  readonly created: number;
}

/** Real paths. */
export interface RepositoryPlace {
  /** The directory below which repositories are served. */
  readonly root: string;
  /** The git directory, the common one of all worktrees. */
  readonly directory: string;
}

/** What is known when a stream is complete; goes through JSON. */
export type StreamTail = Readonly<Record<string, unknown>>;

export interface StreamReader {
  readonly head: StreamHead;
  /** Resolves when the stream is complete. */
  readonly tail: Promise<StreamTail>;
  /**
   * The next bytes, at most `most`, undefined at the end; waits while the writer has not got further. Nobody changes
   * them any more, but other readers may be given the same memory: they are to be read only. One call at a time.
   * @throws PackhorseError where the stream is damaged or the disk fails; the writer's error where it was aborted
   */
  read(most: number): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Gives back what was read last and no one uses any more: its memory may be read into again. */
  free(bytes: Uint8Array<ArrayBuffer>): void;
  /** At any time: a call that waits is rejected. */
  close(): void;
}

export interface StreamWriter {
  /** Whether it goes into a file: else its readers are waited for, and nothing is kept. */
  readonly isKept: boolean;
  /**
   * Takes bytes over; their memory is free when it resolves. It does not fail for the disk's sake: then what comes is
   * held in memory until every reader has taken it, which it waits for, and nothing is kept. One call at a time.
   */
  write(bytes: Uint8Array): Promise<void>;
  /** Reads from the start; undefined where that is not to be had any more, as nothing is kept. */
  reader(): StreamReader | undefined;
  /** Readers come to an end; the entry is there for others from when it resolves, unless it could not be kept. */
  finish(tail: StreamTail): Promise<void>;
  /** Readers fail with the error, and nothing is kept. */
  abort(error: Error): Promise<void>;
}
