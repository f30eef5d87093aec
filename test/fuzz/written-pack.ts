/** Packs that targets write, with an index, in a repository of its own; and all that reads a pack. */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { readPack } from '../../src/pack/read-pack.ts';
import { OBJECT_FORMATS } from '../../src/repository/object-format.ts';
import type { ObjectReader } from '../../src/repository/object-reader.ts';
import { Repository } from '../../src/repository/repository.ts';
import { RepositoryCaches } from '../../src/repository/repository-caches.ts';
import { UploadPack } from '../../src/upload-pack/upload-pack.ts';
import { encodeRequest, parseFetchAnswer } from '../support/requests.ts';
import { scratchDirectory } from './scratch.ts';
import { ask } from './served.ts';
import { isDocumented, must, orRefused, succeeds } from './target.ts';

/** An object of an index. */
export interface IndexRow {
  readonly oid: Buffer;
  readonly offset: number;
  /** Undefined: that of the bytes up to the next entry. */
  readonly crc: number | undefined;
}

/** Arguments of a fetch. */
const WAYS: readonly (readonly string[])[] = [
  [],
  ['ofs-delta'],
  ['thin-pack'],
  ['ofs-delta', 'filter blob:none'],
];

/** Streams that are read of a pack. */
const MOST_STREAMS = 3;

/** Content that is rebuilt is not made larger than this. */
const MOST = 2 ** 22;

/** A repository whose only pack is replaced every time. What was open before stays so, as in a worker. */
interface Place {
  readonly directory: string;
  readonly caches: RepositoryCaches;
  /** Of the pack that is there now. */
  stem: string;
}

let made: Place | undefined;
let packs = 0;

function placeOf(pack: Buffer, rows: readonly IndexRow[]): Place {
  made ??= { directory: makeRepository(), caches: new RepositoryCaches(), stem: '' };
  for (const end of ['pack', 'idx']) fs.rmSync(`${made.stem}.${end}`, { force: true });
  made.stem = path.join(made.directory, `objects/pack/pack-${++packs}`);
  fs.writeFileSync(`${made.stem}.pack`, pack);
  fs.writeFileSync(`${made.stem}.idx`, encodeIndex(pack, rows));
  return made;
}

function makeRepository(): string {
  const directory = scratchDirectory();
  for (const name of ['objects/pack', 'objects/info', 'refs']) {
    fs.mkdirSync(path.join(directory, name), { recursive: true });
  }
  fs.writeFileSync(path.join(directory, 'HEAD'), 'ref: refs/heads/main\n');
  fs.writeFileSync(path.join(directory, 'config'), '[core]\n\tbare = true\n[uploadpack]\n\tallowFilter\n');
  return directory;
}

/**
 * Reads a pack in all ways that there are.
 * @param pack with its trailing hash
 * @param wants what a client asks for
 */
export async function readEverything(
  pack: Buffer,
  rows: readonly IndexRow[],
  wants: readonly string[],
): Promise<void> {
  const place = placeOf(pack, rows);
  orRefused(() => readPack(pack));
  const pick = zlib.crc32(pack);
  await readObjects(place, pick);
  if (wants.length === 0) return;
  const sent = await fetchFrom(place, wants, WAYS[pick % WAYS.length]);
  // Where damage shows in the CRC-32, it does not go out.
  if (sent && rows.every(({ crc }) => crc !== undefined))
    must(
      succeeds(() => readPack(sent)),
      'a pack is sound',
    );
}

async function readObjects({ directory, caches }: Place, pick: number): Promise<void> {
  const repository = orRefused(() => Repository.open(directory, caches));
  try {
    const objects = orRefused(() => repository?.objects);
    const count = objects?.view.packedObjects ?? 0;
    for (let number = 0; number < count; number++) readObject(objects!, number);
    // A stream takes a hundred times as long.
    const step = Math.ceil(count / MOST_STREAMS);
    for (let number = pick % step; number < count; number += step) await compareStream(objects!, number);
  } finally {
    repository?.close();
  }
}

function readObject(objects: ObjectReader, number: number): void {
  const header = orRefused(() => objects.header(number));
  const span = orRefused(() => objects.span(number));
  orRefused(() => objects.readSmall(number, 100));
  if (span === undefined || span > MOST) return;
  const whole = orRefused(() => objects.read(number));
  if (!whole) return;
  must(header?.size === whole.data.length && header.type === whole.type, 'the header says what there is');
}

async function compareStream(objects: ObjectReader, number: number): Promise<void> {
  const span = orRefused(() => objects.span(number));
  if (span === undefined || span > MOST) return;
  const data = orRefused(() => Buffer.from(objects.read(number).data));
  const streamed = await readStream(objects, number);
  must((data === undefined) === (streamed === undefined), 'an object is refused in both ways or in none');
  if (data && streamed) must(data.equals(streamed), 'a stream gives the same');
}

async function readStream(objects: ObjectReader, number: number): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  try {
    for await (const part of objects.stream(number)) parts.push(Buffer.from(part));
    return Buffer.concat(parts);
  } catch (error) {
    if (isDocumented(error)) return undefined;
    throw error;
  }
}

/** @returns the pack, where the answer ends well */
async function fetchFrom(
  { directory, caches }: Place,
  wants: readonly string[],
  way: readonly string[],
): Promise<Buffer | undefined> {
  const server = new UploadPack(directory, { caches });
  const args = [...wants.map((oid) => `want ${oid}`), ...way, 'no-progress', 'done'];
  const { bytes, error } = await ask(server, 2, encodeRequest('fetch', args));
  const answer = parseFetchAnswer(bytes);
  must(answer.complete === (error === undefined), 'an answer that fails has no flush at its end');
  return error === undefined ? answer.pack : undefined;
}

/** Version 2, with the hash of the pack as it is. */
function encodeIndex(pack: Buffer, rows: readonly IndexRow[]): Buffer {
  const sorted = [...rows].sort((a, b) => a.oid.compare(b.oid));
  const ends = [...rows.map(({ offset }) => offset), pack.length - OBJECT_FORMATS.sha1.bytes].sort(
    (a, b) => a - b,
  );
  const index = Buffer.alloc(8 + 1024 + sorted.length * 28 + 40);
  index.writeUInt32BE(0xff744f63, 0);
  index.writeUInt32BE(2, 4);
  const counts = new Uint32Array(256);
  for (const { oid } of sorted) counts[oid[0]]++;
  for (let first = 0, sum = 0; first < 256; first++) {
    sum += counts[first];
    index.writeUInt32BE(sum, 8 + first * 4);
  }
  for (const [i, { oid, offset, crc }] of sorted.entries()) {
    const end = ends.find((other) => other > offset) ?? offset;
    oid.copy(index, 1032 + i * 20);
    index.writeUInt32BE(crc ?? zlib.crc32(pack.subarray(offset, end)), 1032 + sorted.length * 20 + i * 4);
    index.writeUInt32BE(offset, 1032 + sorted.length * 24 + i * 4);
  }
  pack.copy(index, index.length - 40, pack.length - 20);
  const hash = crypto.createHash('sha1').update(index.subarray(0, -20)).digest();
  hash.copy(index, index.length - 20);
  return index;
}
