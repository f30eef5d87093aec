/** A `packed-refs` file whose header does not say that it is sorted. */
import { repositoryCorrupt } from '../errors.ts';

const LF = 10;
const HASH = 35;
const CARET = 94;

/**
 * The lines of a file in the order of their names, each with its peeled value behind it and comments left out; no
 * bytes when they are in order as they are.
 * @param data ends with a line feed
 * @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT` on a line that has no name
 */
export function sortLines(data: Buffer): Uint8Array {
  let count = 0;
  for (let at = 0; at < data.length; at = data.indexOf(LF, at) + 1) if (isRef(data, at)) count++;
  const lines = new Uint32Array(count);
  let found = 0;
  let sorted = true;
  for (let at = 0; at < data.length; at = data.indexOf(LF, at) + 1) {
    if (!isRef(data, at)) continue;
    if (found > 0 && sorted) sorted = compare(data, lines[found - 1], at) <= 0;
    lines[found++] = at;
  }
  if (sorted) return new Uint8Array(0);
  lines.sort((a, b) => compare(data, a, b));
  const out = new Uint8Array(data.length);
  let length = 0;
  for (const at of lines) {
    let end = data.indexOf(LF, at) + 1;
    if (data[end] === CARET) end = data.indexOf(LF, end) + 1;
    out.set(data.subarray(at, end), length);
    length += end - at;
  }
  return out.subarray(0, length);
}

function isRef(data: Buffer, at: number): boolean {
  return data[at] !== HASH && data[at] !== CARET;
}

function compare(data: Buffer, a: number, b: number): number {
  let i = nameAt(data, a);
  let j = nameAt(data, b);
  while (data[i] === data[j] && data[i] !== LF) {
    i++;
    j++;
  }
  if (data[i] === data[j]) return 0;
  if (data[i] === LF) return -1;
  return data[j] === LF ? 1 : data[i] - data[j];
}

function nameAt(data: Buffer, line: number): number {
  const space = data.indexOf(32, line);
  const end = data.indexOf(LF, line);
  if (space < 0 || space > end) {
    throw repositoryCorrupt(`unexpected line in packed-refs: ${data.toString('latin1', line, end)}`);
  }
  return space + 1;
}
