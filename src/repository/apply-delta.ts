/** Deltas as packs store them (protocol section 6.1): two sizes, then copies from the base and inserts. */
import { repositoryCorrupt } from '../errors.ts';

/** The sizes at the head of a delta, in bytes, and where its operations start. */
export interface DeltaHeader {
  readonly baseSize: number;
  readonly resultSize: number;
  readonly start: number;
}

/** @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT` when the bytes end inside a size */
export function readDeltaHeader(delta: Uint8Array): DeltaHeader {
  const sizes = [0, 0];
  let at = 0;
  for (let i = 0; i < 2; i++) {
    let scale = 1;
    for (;;) {
      if (at >= delta.length || scale > 2 ** 49) throw repositoryCorrupt('a delta header is not well formed');
      const byte = delta[at++];
      sizes[i] += (byte & 127) * scale;
      if (byte < 128) break;
      scale *= 128;
    }
  }
  return { baseSize: sizes[0], resultSize: sizes[1], start: at };
}

/** A result of up to so many bytes is taken at its word. */
const BELIEVED = 64 * 1024;

/**
 * The header for those who take memory for the result: what a damaged one claims is not believed.
 * @param baseSize of the base that the delta is to be applied to
 * @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT` when its operations do not add up to the size that it says
 */
export function checkDeltaHeader(delta: Uint8Array, baseSize: number): DeltaHeader {
  const header = readDeltaHeader(delta);
  if (header.baseSize !== baseSize) throw repositoryCorrupt('a delta does not fit its base');
  if (header.resultSize > BELIEVED && header.resultSize !== sumOfOperations(delta, header)) {
    throw repositoryCorrupt('a delta does not give the size it says');
  }
  return header;
}

function sumOfOperations(delta: Uint8Array, { start, baseSize }: DeltaHeader): number {
  let sum = 0;
  for (let at = start; at < delta.length; ) {
    const op = delta[at++];
    if (op < 128) {
      sum += op;
      at += op;
      continue;
    }
    for (let bit = 1; bit < 16; bit *= 2) if (op & bit) at++;
    let size = 0;
    for (let i = 0; i < 3; i++) if (op & (16 << i)) size |= delta[at++] << (8 * i);
    sum += Math.min(baseSize, size || 0x10000);
  }
  return sum;
}

/**
 * Rebuilds an object from its base.
 * @param into takes the result and must have exactly its size (`readDeltaHeader(delta).resultSize`)
 * @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT` when base, delta and result do not fit one another
 */
export function applyDelta(base: Uint8Array, delta: Uint8Array, into: Uint8Array): void {
  const header = readDeltaHeader(delta);
  if (header.baseSize !== base.length) throw repositoryCorrupt('a delta does not fit its base');
  if (header.resultSize !== into.length) throw repositoryCorrupt('a delta does not give the size it says');
  let to = 0;
  let at = header.start;
  const end = delta.length;
  while (at < end) {
    const op = delta[at++];
    if (op & 128) {
      let offset = 0;
      let size = 0;
      if (op & 1) offset = delta[at++];
      if (op & 2) offset |= delta[at++] << 8;
      if (op & 4) offset |= delta[at++] << 16;
      if (op & 8) offset += delta[at++] * 2 ** 24;
      if (op & 16) size = delta[at++];
      if (op & 32) size |= delta[at++] << 8;
      if (op & 64) size |= delta[at++] << 16;
      if (size === 0) size = 0x10000;
      if (at > end || offset + size > base.length || to + size > into.length) {
        throw repositoryCorrupt('a delta copies from outside its base');
      }
      copy(into, to, base, offset, size);
      to += size;
    } else {
      if (op === 0 || at + op > end || to + op > into.length) {
        throw repositoryCorrupt('a delta has an operation that is not well formed');
      }
      copy(into, to, delta, at, op);
      to += op;
      at += op;
    }
  }
  if (to !== into.length) throw repositoryCorrupt('a delta ends early');
}

/** A call into the engine's copy costs more than a short loop. */
function copy(into: Uint8Array, to: number, from: Uint8Array, at: number, size: number): void {
  if (size < 48) for (let i = 0; i < size; i++) into[to + i] = from[at + i];
  else into.set(from.subarray(at, at + size), to);
}
