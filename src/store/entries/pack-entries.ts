/** The entries kept of a repository, as the making of one pack uses them: whatever the disk does, the pack is made. */
import { isSystemError } from '../../errors.ts';
import type { StoredObject } from '../../repository/object-format.ts';
import type { RepositoryEntries } from './repository-entries.ts';

export interface PackEntriesListener {
  /** The disk fails, or is full. */
  readonly onFault: (error: Error) => void;
  /** Files count so many bytes more for the budget. */
  readonly onWritten: (bytes: number) => void;
}

export class PackEntries {
  readonly #entries: RepositoryEntries;
  readonly #listener: PackEntriesListener;
  #failed = false;
  #closed = false;

  constructor(entries: RepositoryEntries, listener: PackEntriesListener) {
    this.#entries = entries;
    this.#listener = listener;
    entries.users++;
  }

  /** The whole entry of an object, checked; undefined where none is kept. Valid until the next call. */
  find(oid: Uint8Array): Uint8Array | undefined {
    return this.#try(() => this.#entries.find(oid));
  }

  /** Keeps an entry that was made: `head`, then `stream`. */
  keep(oid: Uint8Array, object: StoredObject, head: Uint8Array, stream: Uint8Array): void {
    this.#told(this.#try(() => this.#entries.keep(oid, object, head, stream)));
  }

  /** Writes what is not written yet. To be called when the pack has ended, however it did. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#told(this.#try(() => this.#entries.flush()));
    this.#entries.users--;
  }

  #told(written = 0): void {
    if (written > 0) this.#listener.onWritten(written);
  }

  #try<T>(work: () => T): T | undefined {
    if (this.#failed) return undefined;
    try {
      return work();
    } catch (error) {
      // What is no fault of the system is a file that someone cut short: what was there is not kept any more.
      if (!isSystemError(error)) return undefined;
      this.#failed = true;
      this.#listener.onFault(error);
      return undefined;
    }
  }
}
