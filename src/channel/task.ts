/** What the main thread asks a worker to do. Plain data. */
import type { SharedBundles } from './shared-bundles.ts';
import type { SharedIndexes } from './shared-indexes.ts';

export interface Task {
  /** Path of the repository below the root, as the client wrote it, decoded; not yet looked at. */
  readonly path: string;
  /** A key of the repository's configuration that forbids this where it is false. */
  readonly gate?: Gate;
  readonly work: Work;
  /** The span that this is done for (W3C Trace Context), for those who trace what a worker does. */
  readonly traceparent?: string | undefined;
  /** Bytes that may be on their way to the client at once, until it is told otherwise. */
  readonly window: number;
}

/** What a worker is sent. The bytes of a request follow as input, so that it can let go of them when it has read them. */
export interface SentTask extends Omit<Task, 'work'> {
  readonly work: Exclude<Work, { kind: 'answer' }> | Omit<Extract<Work, { kind: 'answer' }>, 'request'>;
}

export type Gate = 'http.uploadpack' | 'http.getanyfile' | 'daemon.uploadpack';

export type Work =
  /** What the repository offers. */
  | { readonly kind: 'advertise'; readonly version: 0 | 1 | 2 }
  /** One request, whose bytes are transferred. */
  | { readonly kind: 'answer'; readonly version: 0 | 1 | 2; readonly request: Uint8Array<ArrayBuffer> }
  /** All that a client says on one connection: its input comes in messages. */
  | { readonly kind: 'converse'; readonly version: 0 | 1 | 2 }
  /** A file of the dumb protocol, such as `info/refs`: its path below the git directory. */
  | { readonly kind: 'file'; readonly name: string }
  /** A bundle of our own, or what a `Range` header asks for of it; its bytes are left out where only the head counts. */
  | {
      readonly kind: 'bundle';
      readonly id: string;
      readonly range: string | undefined;
      readonly headOnly: boolean;
    }
  | BackgroundTask;

/** Asked for by no client. */
export type BackgroundTask = { readonly kind: 'build-bitmaps' } | { readonly kind: 'build-bundle' };

/** What a worker is started with. */
export interface WorkerSettings {
  /** The directory below which repositories are served, absolute. */
  readonly root: string;
  /** Further directories that repositories may borrow from, absolute. */
  readonly allowed: readonly string[];
  /** git's configuration for all repositories, under their own: `key=value`, or `key` alone. */
  readonly gitConfig: readonly string[];
  /** Whether only repositories with a file `git-daemon-export-ok` are served. */
  readonly exportOk: boolean;
  /** The namespace that is served of each; undefined: all refs are. */
  readonly namespace: string | undefined;
  /** The cache directory, where own bitmaps are looked for; undefined: nowhere. */
  readonly ownBitmaps: string | undefined;
  /** The cache directory, where bundles are kept; undefined: there are none. */
  readonly bundles: SharedBundles | undefined;
  /** The cache directory, where entries are kept, and how many bytes of them; undefined: none are. */
  readonly entryStore: { readonly directory: string; readonly budget: number } | undefined;
  /**
   * Whether packs are kept for those who ask for the same, and so are to be named. With a directory, repositories are
   * known in those names by where they lie below it, alike on every machine.
   */
  readonly namesPacks: boolean | { readonly below: string };
  /** How the workers share index files. */
  readonly indexes: SharedIndexes;
}

/** What each of them gets of its own. */
export interface ThreadSettings extends WorkerSettings {
  /** One element in shared memory, which the thread raises as long as it takes its turns. */
  readonly heartbeat: Int32Array;
}
