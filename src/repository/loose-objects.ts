/** Loose objects (protocol section 6.17): `objects/xx/<rest of the id>`, a zlib stream of `<type> <size> NUL <data>`. */
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { isSystemError, repositoryCorrupt } from '../errors.ts';
import { inflateHead, inflateStream } from './inflate.ts';
import { type ObjectType, type StoredObject, typeFromName } from './object-format.ts';

/** A loose header is `<type> <size> NUL`: 28 bytes are enough for any size below 2^64. */
const LONGEST_HEADER = 32;
const HEAD_READ = 512;

export interface LooseHeader {
  readonly type: ObjectType;
  /** Bytes of data. */
  readonly size: number;
  /** Inflated bytes before the data. */
  readonly start: number;
}

export function loosePath(objects: string, hex: string): string {
  return path.join(objects, hex.slice(0, 2), hex.slice(2));
}

/** @throws the system's error (`ENOENT` where a repack took the object away), `PACKHORSE_REPOSITORY_CORRUPT` */
export function readLooseHeader(file: string): LooseHeader {
  const fd = fs.openSync(file, 'r');
  try {
    return headerOf(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** Reads an object into memory; use {@link streamLoose} for large ones. Throws as {@link readLooseHeader}. */
export function readLoose(file: string): StoredObject {
  const stored = fs.readFileSync(file);
  const header = parseHeader(stored.subarray(0, HEAD_READ));
  let all: Buffer;
  try {
    all = zlib.inflateSync(stored, { maxOutputLength: header.start + header.size });
  } catch (error) {
    throw repositoryCorrupt('its zlib stream is damaged', error);
  }
  if (all.length !== header.start + header.size) throw wrongSize();
  return { type: header.type, data: all.subarray(header.start) };
}

/** The data of a loose object, slice by slice. The file is opened at once: throws as {@link readLooseHeader}. */
export function streamLoose(file: string): AsyncGenerator<Buffer> {
  const fd = fs.openSync(file, 'r');
  try {
    return slicesOf(fd, headerOf(fd));
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

async function* slicesOf(fd: number, header: LooseHeader): AsyncGenerator<Buffer> {
  let skip = header.start;
  let left = header.size;
  try {
    for await (const piece of inflateStream(fs.createReadStream('', { fd, start: 0 }))) {
      const data = piece.subarray(Math.min(skip, piece.length));
      skip -= piece.length - data.length;
      left -= data.length;
      if (left < 0) break;
      if (data.length > 0) yield data;
    }
  } catch (error) {
    throw isSystemError(error) ? error : repositoryCorrupt('its zlib stream is damaged', error);
  }
  if (left !== 0) throw wrongSize();
}

function headerOf(fd: number): LooseHeader {
  const head = Buffer.allocUnsafe(HEAD_READ);
  return parseHeader(head.subarray(0, fs.readSync(fd, head, 0, HEAD_READ, 0)));
}

/** @param stored the first bytes of the file */
function parseHeader(stored: Buffer): LooseHeader {
  const head = inflateHead(stored, LONGEST_HEADER);
  const end = head.indexOf(0);
  const match = /^(\w+) (\d+)$/.exec(head.toString('latin1', 0, Math.max(0, end)));
  const type = match && typeFromName(match[1]);
  if (!match || !type) throw repositoryCorrupt('it has no valid header');
  return { type, size: Number(match[2]), start: end + 1 };
}

function wrongSize(): Error {
  return repositoryCorrupt('it has another size than its header says');
}
