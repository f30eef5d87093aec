/** What lies below a Node zlib stream, as far as it is used here: not documented, so it is tried out before. */

interface Handle {
  reset(): void;
  writeSync(
    flush: number,
    input: Uint8Array,
    inputAt: number,
    inputLength: number,
    output: Uint8Array,
    outputAt: number,
    outputLength: number,
  ): void;
}

export type ZlibInternals<Stream> = Stream & {
  readonly _handle: Handle;
  /** Bytes of output and of input that the last write left. */
  readonly _writeState: Uint32Array;
};
