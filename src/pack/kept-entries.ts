import type { StoredObject } from '../repository/object-format.ts';

/** Entries that were made for earlier packs of a repository, byte for byte as they would be made again. */
export interface KeptEntries {
  /**
   * The whole entry of an object, checked; undefined where none is kept. Valid until the next call.
   * @param oid the object's id
   */
  find(oid: Uint8Array): Uint8Array | undefined;
  /** Keeps an entry that was made. Copies what it is given. */
  keep(oid: Uint8Array, object: StoredObject, head: Uint8Array, stream: Uint8Array): void;
}
