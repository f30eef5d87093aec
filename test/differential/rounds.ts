/** What the bytes of a client ask for, read back: one entry for each fetch, as far as they are well formed. */

import { pkt } from '../support/requests.ts';
import type { Cell } from './coverage.ts';
import type { TestRepository } from './repositories.ts';

export interface Round {
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
  if (version !== 2) return stateless && flushes.length === 1 && flushes[0] === last;
  // A request ends with a flush, a connection with two.
  return last < 0 || (!stateless && packets[last].text === '0000' && packets[last - 1]?.text !== '0000');
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
    return [roundOf([...lines, ...haves.filter((line) => line.startsWith('have '))], words)];
  }
  const rounds: Round[] = [];
  let lines: string[] = [];
  for (const { text, isLine } of packets) {
    if (isLine) lines.push(text);
    else if (text === '0000') {
      if (lines.includes('command=fetch')) rounds.push(roundOf(lines, lines));
      lines = [];
    }
  }
  return rounds;
}

function roundOf(lines: readonly string[], flags: readonly string[]): Round {
  const ids = (word: string) =>
    lines
      .filter((line) => line.startsWith(`${word} `))
      .map((line) => line.slice(word.length + 1, word.length + 41));
  return {
    wants: [...new Set(ids('want'))],
    haves: ids('have'),
    shallow: [...new Set(ids('shallow'))],
    lines,
    flags: new Set(flags),
    filter: lines.find((line) => line.startsWith('filter '))?.slice('filter '.length),
  };
}

const INFINITE = 0x7fffffff;
/** Deeper than any history. */
const DEEP = INFINITE - 1;

/**
 * The bytes that ask git 2.39 for what newer ones understand by `deepen-relative`: the depth at which the wants meet a
 * shallow commit of the client is added to the one that is asked for. Where they meet none, nothing is deepened, and a
 * great depth changes nothing either. All of history is the same from everywhere.
 */
export function translate(
  bytes: Buffer,
  version: Cell['version'],
  { graph, shallow }: TestRepository,
): { readonly asked: Buffer; readonly deepensNothing: boolean } {
  const round = readRounds(bytes, version).findLast(({ flags }) => flags.has('deepen-relative'));
  const depth = Number(round?.lines.findLast((line) => line.startsWith('deepen '))?.slice('deepen '.length));
  if (!round || !(depth > 0)) return { asked: bytes, deepensNothing: false };
  const theirs = new Set(round.shallow.filter((oid) => graph.get(oid)?.type === 'commit'));
  const met = depth === INFINITE ? 0 : graph.depthOf(theirs, round.wants, shallow);
  const packets = readPackets(bytes).packets.flatMap(({ text, isLine }) => {
    if (!isLine) return [text];
    if (text === 'deepen-relative') return [];
    if (!text.startsWith('deepen ')) return [pkt(`${text.replace(' deepen-relative', '')}\n`)];
    return [pkt(`deepen ${met === undefined ? DEEP : depth + met}\n`)];
  });
  return { asked: Buffer.from(packets.join(''), 'latin1'), deepensNothing: met === undefined };
}
