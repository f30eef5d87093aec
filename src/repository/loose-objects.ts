/** Loose objects (protocol section 6.17): `objects/xx/<rest of the id>`, a zlib stream of `<type> <size> NUL <data>`. */
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { repositoryCorrupt } from '../errors.ts';
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
    const head = Buffer.allocUnsafe(HEAD_READ);
    return parseHeader(
      inflateHead(head.subarray(0, fs.readSync(fd, head, 0, HEAD_READ, 0)), LONGEST_HEADER),
      file,
    );
  } finally {
    fs.closeSync(fd);
  }
}

/** Reads an object into memory; use {@link streamLoose} for large ones. Throws as {@link readLooseHeader}. */
export function readLoose(file: string): StoredObject {
  const stored = fs.readFileSync(file);
  const header = parseHeader(inflateHead(stored.subarray(0, HEAD_READ), LONGEST_HEADER), file);
  let all: Buffer;
  try {
    all = zlib.inflateSync(stored, { maxOutputLength: header.start + header.size });
  } catch (error) {
    throw repositoryCorrupt(`loose object ${file} is damaged`, error);
  }
  if (all.length !== header.start + header.size) throw repositoryCorrupt(`loose object ${file} is cut short`);
  return { type: header.type, data: all.subarray(header.start) };
}

/** The data of a loose object, slice by slice. */
export async function* streamLoose(file: string, header: LooseHeader): AsyncGenerator<Buffer> {
  let skip = header.start;
  let left = header.size;
  try {
    for await (const piece of inflateStream(fs.createReadStream(file))) {
      const data = piece.subarray(Math.min(skip, piece.length));
      skip -= piece.length - data.length;
      left -= data.length;
      if (left < 0) break;
      if (data.length > 0) yield data;
    }
  } catch (error) {
    throw repositoryCorrupt(`loose object ${file} is damaged`, error);
  }
  if (left !== 0) throw repositoryCorrupt(`loose object ${file} has another size than its header says`);
}

function parseHeader(head: Buffer, file: string): LooseHeader {
  const end = head.indexOf(0);
  const match = /^(\w+) (\d+)$/.exec(head.toString('latin1', 0, Math.max(0, end)));
  const type = match && typeFromName(match[1]);
  if (!match || !type) throw repositoryCorrupt(`loose object ${file} has no valid header`);
  return { type, size: Number(match[2]), start: end + 1 };
}
