/**
 * Packs from objects in memory: the reference form that programs and tests build on. The service itself copies stored
 * entries instead (see `entries.ts` and `bytes.ts`).
 */
import crypto from 'node:crypto';
import zlib from 'node:zlib';
import { type HashName, TYPE_NAMES, type TypeName } from '../repository/object-format.ts';
import { encodePackHeader, writeTypeAndSize } from './entry-header.ts';

/** An object to be packed, or read from a pack. */
export interface PackObject {
  readonly type: TypeName;
  /** The content, without the `<type> <size> NUL` that the id is made of. */
  readonly data: Uint8Array;
}

/**
 * A whole pack in memory: header, one deflated entry for each object in the order given, trailing hash.
 * @param hash of the repository's object format
 */
export async function generatePack(
  objects: readonly PackObject[],
  hash: HashName = 'sha1',
): Promise<Uint8Array> {
  const append = (bytes: Uint8Array, parts: Uint8Array[]) => {
    parts.push(bytes);
    return parts;
  };
  return Buffer.concat(await streamPack<Uint8Array[]>(objects, append, [], hash));
}

/**
 * Writes the same pack piece by piece: first the header (12 bytes), then one entry for each object, then the trailing
 * hash. A promise that `write` returns is awaited before the next piece is made.
 */
export function streamPack(
  objects: readonly PackObject[],
  write: (bytes: Uint8Array) => void | Promise<void>,
): Promise<void>;
/**
 * The form with a state: every write gets what the one before returned, and the last one's is the result.
 * @param state what the first write gets
 */
export function streamPack<S>(
  objects: readonly PackObject[],
  write: (bytes: Uint8Array, state: S) => S | Promise<S>,
  state: S,
  hash?: HashName,
): Promise<S>;
export async function streamPack<S>(
  objects: readonly PackObject[],
  write: (bytes: Uint8Array, state: S) => S | Promise<S>,
  state?: S,
  hash: HashName = 'sha1',
): Promise<S> {
  const digest = crypto.createHash(hash);
  let current = state as S;
  for (const piece of pieces(objects)) {
    digest.update(piece);
    current = await write(piece, current);
  }
  return write(digest.digest(), current);
}

function* pieces(objects: readonly PackObject[]): Generator<Buffer> {
  yield encodePackHeader(objects.length);
  for (const object of objects) yield encodeEntry(object);
}

/** One entry: type, size, deflated content. */
function encodeEntry({ type, data }: PackObject): Buffer {
  const head = Buffer.alloc(16);
  const length = writeTypeAndSize(head, 0, TYPE_NAMES.indexOf(type), data.length);
  return Buffer.concat([head.subarray(0, length), zlib.deflateSync(data)]);
}
