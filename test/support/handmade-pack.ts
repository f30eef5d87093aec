/** Packs written entry by entry, for what git itself would not choose: deltas before their base, chosen bases. */
import { createHash } from 'node:crypto';
import zlib from 'node:zlib';
import { git } from './git.ts';

/** One step of a delta: bytes of the base from `copy[0]`, `copy[1]` of them, or new bytes. */
export type DeltaStep =
  | { readonly copy: readonly [offset: number, length: number] }
  | { readonly insert: Buffer };

export type HandmadeEntry =
  | { readonly type: 'commit' | 'tree' | 'blob' | 'tag'; readonly data: Buffer }
  /** A delta whose base is named by its id, or by its place among the entries before. */
  | { readonly base: string | number; readonly baseSize: number; readonly steps: readonly DeltaStep[] };

const TYPES = { commit: 1, tree: 2, blob: 3, tag: 4 };
const OFS_DELTA = 6;
const REF_DELTA = 7;
/** What one copy operation holds at most. */
const LONGEST_COPY = 0xffffff;
const LONGEST_INSERT = 127;

export function blobId(data: Buffer): string {
  return createHash('sha1').update(`blob ${data.length}\0`).update(data).digest('hex');
}

/** What a delta makes of its base. */
export function applySteps(base: Buffer, steps: readonly DeltaStep[]): Buffer {
  return Buffer.concat(
    steps.map((step) =>
      'insert' in step ? step.insert : base.subarray(step.copy[0], step.copy[0] + step.copy[1]),
    ),
  );
}

/** Stores a pack of these entries in this order, with an index made by git. */
export function storeHandmadePack(repository: string, entries: readonly HandmadeEntry[]): string {
  const head = Buffer.from('PACK\0\0\0\x02\0\0\0\0', 'latin1');
  head.writeUInt32BE(entries.length, 8);
  const parts: Buffer[] = [head];
  const offsets: number[] = [];
  let offset = head.length;
  for (const entry of entries) {
    offsets.push(offset);
    const pieces = encodeEntry(entry, offset, offsets);
    parts.push(...pieces);
    offset += pieces.reduce((sum, { length }) => sum + length, 0);
  }
  const hash = createHash('sha1');
  for (const part of parts) hash.update(part);
  const input = Buffer.concat([...parts, hash.digest()]);
  return `pack-${git(repository, ['index-pack', '--stdin'], { input }).split('\t').at(-1)}`;
}

function encodeEntry(entry: HandmadeEntry, offset: number, offsets: readonly number[]): Buffer[] {
  if ('data' in entry) return [typeAndSize(TYPES[entry.type], entry.data.length), deflate(entry.data)];
  const delta = encodeDelta(entry.baseSize, entry.steps);
  if (typeof entry.base === 'number') {
    return [typeAndSize(OFS_DELTA, delta.length), distance(offset - offsets[entry.base]), deflate(delta)];
  }
  return [typeAndSize(REF_DELTA, delta.length), Buffer.from(entry.base, 'hex'), deflate(delta)];
}

/** Each byte but the last stands for one more than it says. */
function distance(value: number): Buffer {
  const bytes = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) {
    rest--;
    bytes.unshift(128 | (rest % 128));
  }
  return Buffer.from(bytes);
}

function deflate(data: Buffer): Buffer {
  return zlib.deflateSync(data, { level: 0 });
}

function typeAndSize(type: number, size: number): Buffer {
  const bytes = [(type << 4) | (size % 16)];
  for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 128)) {
    bytes[bytes.length - 1] |= 128;
    bytes.push(rest % 128);
  }
  return Buffer.from(bytes);
}

export function encodeDelta(baseSize: number, steps: readonly DeltaStep[]): Buffer {
  const resultSize = steps.reduce((n, step) => n + ('insert' in step ? step.insert.length : step.copy[1]), 0);
  return Buffer.concat([deltaSize(baseSize), deltaSize(resultSize), ...steps.flatMap(encodeStep)]);
}

function deltaSize(size: number): Buffer {
  const bytes: number[] = [size % 128];
  for (let rest = Math.floor(size / 128); rest > 0; rest = Math.floor(rest / 128)) {
    bytes[bytes.length - 1] |= 128;
    bytes.push(rest % 128);
  }
  return Buffer.from(bytes);
}

function encodeStep(step: DeltaStep): Buffer[] {
  const operations: Buffer[] = [];
  if ('insert' in step) {
    for (let at = 0; at < step.insert.length; at += LONGEST_INSERT) {
      const piece = step.insert.subarray(at, at + LONGEST_INSERT);
      operations.push(Buffer.from([piece.length]), piece);
    }
    return operations;
  }
  let [offset, left] = step.copy;
  for (; left > 0; left -= LONGEST_COPY, offset += LONGEST_COPY) {
    const operation = Buffer.alloc(8);
    operation[0] = 0xff;
    operation.writeUInt32LE(offset, 1);
    operation.writeUIntLE(Math.min(left, LONGEST_COPY), 5, 3);
    operations.push(operation);
  }
  return operations;
}
