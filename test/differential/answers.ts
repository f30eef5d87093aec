/** What a server says, taken apart into sections. */
import type { Ended } from '../stdio/upload-pack.ts';
import type { Door, Response } from './judge.ts';

/** What one request got: lines, then maybe a pack. */
export interface Answer {
  /** Without their LF; `0000` and `0001` for flushes and delimiters outside of the pack. */
  readonly lines: string[];
  pack: Buffer | undefined;
  /** What came on band 2. */
  progress: string;
  /** What came on band 3. */
  bandError: string;
  /** Whether the bands ended with a flush, where there were any. */
  complete: boolean;
  /** Bytes of the largest packet with a band. */
  largest: number;
}

/** What came of one conversation. */
export interface Outcome {
  readonly answers: readonly Answer[];
  /** Exit code of the process, or what it would be. */
  readonly code: Ended['status'];
  /** Why it failed, as its log has it; an empty string where it did not. */
  readonly error: string;
  /** Whether that was while the pack was made. */
  readonly diedPacking: boolean;
}

const PACKING_DIED = /pack-objects died|^fatal: unable to (?:access|parse) sparse/m;

export function readOutcome({ bytes, code, stderr }: Response, door: Door): Outcome {
  const answers = readAnswers(bytes, door);
  const lines = stderr.split('\n');
  // Newer git calls what its client did wrong an error.
  const last = (word: string) => lines.findLast((line) => line.startsWith(word))?.slice(word.length);
  return {
    answers,
    code,
    error: last('fatal: ') ?? last('error: ') ?? '',
    diedPacking: PACKING_DIED.test(stderr),
  };
}

/** @throws Error where bytes are no pkt-lines, or a packet is larger than its framing allows */
export function readAnswers(bytes: Buffer, { version, stateless }: Door): Answer[] {
  const answers: Answer[] = [];
  let answer: Answer | undefined;
  let isPack = false;
  /** Whether the advertisement of a connection has been read. Only then may bands come in the older versions. */
  let isGreeted = stateless;
  const bands: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    answer ??= newAnswer(answers);
    if (bytes.toString('latin1', at, at + 4) === 'PACK' && version !== 2) {
      answer.pack = bytes.subarray(at);
      break;
    }
    const length = lengthAt(bytes, at);
    const payload = bytes.subarray(at + 4, at + length);
    at += Math.max(4, length);
    const text = payload.toString('latin1').replace(/\n$/, '');
    if (version !== 2 && isGreeted && length > 4 && payload[0] <= 3) isPack = true;
    if (!isPack) {
      answer.lines.push(length < 4 ? `000${length}` : text);
      isPack = version === 2 && text === 'packfile';
      if (length === 0 && (version === 2 || !isGreeted)) answer = undefined;
      if (length === 0) isGreeted = true;
      continue;
    }
    answer.largest = Math.max(answer.largest, length);
    if (length === 0) {
      answer.pack = Buffer.concat(bands.splice(0));
      answer.complete = true;
      isPack = false;
      answer = undefined;
    } else if (payload[0] === 1) bands.push(payload.subarray(1));
    else if (payload[0] === 3) answer.bandError += payload.toString('latin1', 1);
    else if (payload[0] === 2) answer.progress += payload.toString('latin1', 1);
    else throw new Error(`there is no band ${payload[0]}`);
  }
  if (answer && bands.length > 0) answer.pack = Buffer.concat(bands);
  return answers;
}

function newAnswer(answers: Answer[]): Answer {
  const answer = { lines: [], pack: undefined, progress: '', bandError: '', complete: false, largest: 0 };
  answers.push(answer);
  return answer;
}

function lengthAt(bytes: Buffer, at: number): number {
  const digits = bytes.toString('latin1', at, at + 4);
  const length = Number.parseInt(digits, 16);
  if (!/^[0-9a-f]{4}$/.test(digits) || length === 3 || length === 4 || at + length > bytes.length) {
    throw new Error(`no pkt-line at byte ${at} of ${bytes.length}: ${JSON.stringify(digits)}`);
  }
  return length;
}
