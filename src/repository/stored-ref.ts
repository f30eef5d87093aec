/** A ref as it is stored with others, in a line or a record, without an object for each. */

/** Valid only until the visit of it ends. */
export interface StoredRef {
  /** The id in binary, in its first bytes. */
  readonly oid: Uint8Array;
  /** Where the peeled value stands: what its tag points at in the end; -1 where there is none. */
  readonly peeled: number;
  /** Whether -1 in {@link peeled} says that the ref is no tag. */
  readonly peeledKnown: boolean;
  /** The name as a byte string. */
  name(): string;
  oidHex(): string;
  /** null: the ref is no tag; undefined: that is not stored. */
  peeledHex(): string | null | undefined;
  /** The peeled value in binary, in memory that is used again. */
  peeledOid(): Uint8Array;
  /** Puts the id in hex, a space and the name there. */
  put(line: LineParts): void;
  /** Puts the peeled value in hex there. */
  putPeeled(line: LineParts): void;
}

/** A line that is being put together. */
export interface LineParts {
  copy(from: Uint8Array, start: number, end: number): void;
  hex(from: Uint8Array, start: number, end: number): void;
}
