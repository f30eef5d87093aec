/** An object store, as far as the shared cache needs one. Every call rejects when its signal is aborted. */
import type { Readable } from 'node:stream';

export interface StoredObject {
  /** Bytes, as the store says. */
  readonly length: number;
  /** To be destroyed by whoever does not read it to its end. */
  readonly body: Readable;
}

export interface ObjectStore {
  /** Resolves when its bytes begin to come; undefined where there is no such object. */
  get(name: string, signal: AbortSignal): Promise<StoredObject | undefined>;
  has(name: string, signal: AbortSignal): Promise<boolean>;
  /** @param body of so many bytes; destroyed where not all of it is read */
  put(name: string, body: Readable, length: number, signal: AbortSignal): Promise<void>;
  close(): void;
}
