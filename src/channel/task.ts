/** What the main thread asks a worker to do. Plain data. */

export interface Task {
  /** Path of the repository below the root, as the client wrote it, decoded; not yet looked at. */
  readonly path: string;
  /** What is asked: the advertisement, or the answer to a request, whose bytes are transferred. */
  readonly request: Uint8Array<ArrayBuffer> | 'advertise';
}

/** What a worker is started with. */
export interface WorkerSettings {
  /** The directory below which repositories are served, absolute. */
  readonly root: string;
  /** Further directories that repositories may borrow from, absolute. */
  readonly allowed: readonly string[];
  /** Bytes that one stream may have on their way. */
  readonly window: number;
}
