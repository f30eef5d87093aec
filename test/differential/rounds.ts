/** What the bytes of a client ask for, read back: one entry for each fetch, as far as they are well formed. */

import { FLUSH } from '../support/requests.ts';
import type { Cell } from './coverage.ts';

export interface Round {
  /** Whether what the client wants is all there. */
  readonly isWhole: boolean;
  readonly wants: readonly string[];
  readonly haves: readonly string[];
  readonly shallow: readonly string[];
  /** Every line, words of capabilities taken off. */
  readonly lines: readonly string[];
  /** Flags, or words of capabilities. */
  readonly flags: ReadonlySet<string>;
  readonly filter: string | undefined;
}

/** A pkt-line as text without LF, or the four digits of another packet. */
export interface ClientPacket {
  readonly text: string;
  readonly isLine: boolean;
}

/** The packets of a client, up to where its bytes are none any more, and how many bytes are left then. */
export function readPackets(bytes: Buffer): { readonly packets: ClientPacket[]; readonly rest: number } {
  const packets: ClientPacket[] = [];
  let at = 0;
  while (at + 4 <= bytes.length) {
    const digits = bytes.toString('latin1', at, at + 4);
    const length = /^[0-9a-f]{4}$/i.test(digits) ? Number.parseInt(digits, 16) : -1;
    if (length < 0 || length === 3 || at + length > bytes.length) break;
    const text = length < 4 ? digits : bytes.toString('latin1', at + 4, at + length).replace(/\n$/, '');
    packets.push({ text, isLine: length >= 4 });
    at += Math.max(4, length);
  }
  return { packets, rest: bytes.length - at };
}

/** Whether bytes end inside of the first packet of a request, or of the first one behind the wants. */
export function breaksOff(
  bytes: Buffer,
  { version, stateless }: Pick<Cell, 'version' | 'stateless'>,
): boolean {
  const { packets, rest } = readPackets(bytes);
  const flushes = packets.flatMap(({ isLine }, i) => (isLine ? [] : [i]));
  const last = packets.length - 1;
  if (rest === 0) return false;
  if (version !== 2) {
    const wants = packets.some(({ text }) => text.startsWith('want '));
    return stateless && wants && flushes.length === 1 && flushes[0] === last;
  }
  // A request ends with a flush; one more, or one before all, ends the connection.
  const before = packets[last - 1]?.text ?? FLUSH;
  return last < 0 || (!stateless && packets[last].text === FLUSH && before !== FLUSH);
}

export function readRounds(bytes: Buffer, version: Cell['version']): Round[] {
  const { packets } = readPackets(bytes);
  if (version !== 2) {
    const end = packets.findIndex(({ isLine }) => !isLine);
    const needs = packets.slice(0, end < 0 ? packets.length : end).map(({ text }) => text);
    const words = needs.flatMap((line) => (line.startsWith('want ') ? line.split(' ').slice(2) : []));
    const rest = end < 0 ? [] : packets.slice(end).map(({ text }) => text);
    const haves = rest.slice(0, rest.includes('done') ? rest.indexOf('done') : rest.length);
    const lines = needs.map((line) => line.replace(/^(want \S+).*/, '$1'));
    return [roundOf([...lines, ...haves.filter((line) => line.startsWith('have '))], words, end >= 0)];
  }
  const rounds: Round[] = [];
  let lines: string[] = [];
  for (const { text, isLine } of packets) {
    if (isLine) lines.push(text);
    else if (text === FLUSH) {
      if (lines.includes('command=fetch')) rounds.push(roundOf(lines, lines, true));
      lines = [];
    }
  }
  return rounds;
}

function roundOf(lines: readonly string[], flags: readonly string[], isWhole: boolean): Round {
  const ids = (word: string) =>
    lines
      .filter((line) => line.startsWith(`${word} `))
      .map((line) => line.slice(word.length + 1, word.length + 41));
  return {
    isWhole,
    wants: [...new Set(ids('want'))],
    haves: ids('have'),
    shallow: [...new Set(ids('shallow'))],
    lines,
    flags: new Set(flags),
    filter: lines.find((line) => line.startsWith('filter '))?.slice('filter '.length),
  };
}
