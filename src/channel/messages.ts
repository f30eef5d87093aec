/**
 * What worker and main thread say to each other: one MessagePort a task. Only `end` or `error` ends a task; that the
 * pool's promise resolves says nothing. The worker posts lists of messages, as each post wakes the other thread.
 */

import type { MessagePort } from 'node:worker_threads';

/** Bytes that a worker may have on their way to the client before it waits: the window of one stream, unless told otherwise. */
export const DEFAULT_WINDOW = 1024 * 1024;

/**
 * Bytes of a client's input that a worker may have before it has taken them: more than the longest packet, so that one
 * always comes to its end.
 */
export const INPUT_WINDOW = 256 * 1024;

/** Worker to main thread. `S`: the statistics of a task, `E`: an error as it crosses threads, `F`: a framing. */
export type FromWorker<S, E, F> =
  /**
   * Bytes to be written as they are. `bands`, where it is there, says how all that follows is framed; null: not any
   * more. Transferred; the buffer of bytes that do not fill it is a chunk's, and comes back with the credit.
   */
  | { readonly type: 'section'; readonly bytes: Uint8Array<ArrayBuffer>; readonly bands?: F | null }
  | ({ readonly type: 'file' } & SentFile)
  /** Text for band 2. */
  | { readonly type: 'progress'; readonly text: string }
  /** A chunk of pack data, transferred: `length` bytes in use, room for the headers of its frames included. */
  | { readonly type: 'chunk'; readonly buffer: ArrayBuffer; readonly length: number }
  /**
   * A pack is to be sent: a place in that lane is asked for. What is said before the answer may not leave yet. The
   * statistics are those so far, as the task may come to its end only when the client has left.
   */
  | ({ readonly type: 'place'; readonly statistics: S } & PlaceRequest)
  /** So many bytes of the client's input have been taken, and more is waited for. */
  | { readonly type: 'taken'; readonly bytes: number }
  /** All of the client's input has been read, and nothing of it is kept. */
  | { readonly type: 'read' }
  /** One command of several on a connection begins. */
  | { readonly type: 'began' }
  /** It has been answered. */
  | { readonly type: 'answered'; readonly statistics: S }
  | { readonly type: 'end'; readonly statistics: S }
  | { readonly type: 'error'; readonly error: E; readonly statistics: S };

/** A file that follows, or a part of it. */
export interface SentFile {
  /** Of all of it. */
  readonly bytes: number;
  /** When it was last modified: milliseconds since 1970. */
  readonly modified: number;
  /** What follows, `end` being behind the last byte: null where that is nothing; undefined for all of it. */
  readonly range?: { readonly from: number; readonly end: number } | null | undefined;
}

export interface PlaceRequest {
  readonly lane: 'fetch' | 'clone';
  /** Seconds of silence after which something is to be sent; 0: nothing is. */
  readonly keepAlive: number;
  /** The band on which that is sent: 2 where the pack section may not have begun. */
  readonly band: 1 | 2;
  /** Whether the client does not want to be told of progress. */
  readonly silent: boolean;
  /** Names the pack for the stream cache; undefined where it is not to be kept. */
  readonly key?: string | undefined;
  readonly kind: 'clone' | 'fetch' | 'shallow';
  /** The real path of the git directory, the common one of all worktrees. */
  readonly directory: string;
}

/**
 * `here`: the place is there, and the pack goes where the rest of the answer does. `served`: the client is sent the pack
 * without its worker, which is done with it. `apart`: so too, but the worker makes the pack, for the other end of a port
 * of its own, transferred, with a window of bytes; it goes on when the client leaves.
 */
export type Leave = 'here' | 'served' | { readonly port: MessagePort; readonly window: number };

/** Main thread to worker. */
export type ToWorker =
  /** What is to become of the pack that a place was asked for. */
  | { readonly type: 'place'; readonly leave: Leave }
  /**
   * `bytes` were taken by the client; `window` is how many may be on their way from now on; `buffer`, transferred, is a
   * chunk's to be filled again.
   */
  | {
      readonly type: 'credit';
      readonly bytes: number;
      readonly window: number;
      readonly buffer?: ArrayBuffer;
    }
  /** More of the client's input, transferred. */
  | { readonly type: 'input'; readonly bytes: Uint8Array<ArrayBuffer> }
  /** The client says no more; it may still listen. */
  | { readonly type: 'input-end' }
  /** The client went away. */
  | { readonly type: 'cancel' };
