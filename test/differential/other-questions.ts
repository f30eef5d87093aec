/** What git is asked where it is asked something else than Packhorse, or more. */
import { DELIM, FLUSH, pkt } from '../support/requests.ts';
import type { Cell } from './coverage.ts';
import type { Door } from './judge.ts';
import type { TestRepository } from './repositories.ts';
import { type ClientPacket, readPackets, readRounds } from './rounds.ts';

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
  const { packets, rest } = readPackets(bytes);
  const asked = packets.flatMap(({ text, isLine }) => {
    if (!isLine) return [text];
    if (text === 'deepen-relative') return [];
    if (!text.startsWith('deepen ')) return [pkt(`${text.replace(' deepen-relative', '')}\n`)];
    return [pkt(`deepen ${met === undefined ? DEEP : depth + met}\n`)];
  });
  const end = bytes.subarray(bytes.length - rest);
  return {
    asked: Buffer.concat([Buffer.from(asked.join(''), 'latin1'), end]),
    deepensNothing: met === undefined,
  };
}

/** The same bytes with each part of a combined filter for the whole of it. */
export function partQuestions(bytes: Buffer, door: Door): OtherQuestion[] {
  const filter = readRounds(bytes, door.version).at(-1)?.filter;
  if (!filter?.startsWith('combine:')) return [];
  return partsOf(filter).map((part) => {
    const packets = readPackets(bytes).packets.map(({ text, isLine }) => {
      return encodePacket({ text: text.startsWith('filter ') ? `filter ${part}` : text, isLine });
    });
    return { door, bytes: Buffer.from(packets.join(''), 'latin1') };
  });
}

function partsOf(filter: string): string[] {
  if (!filter.startsWith('combine:')) return [filter];
  return filter
    .slice('combine:'.length)
    .split('+')
    .filter(Boolean)
    .flatMap((part) => partsOf(decodeURIComponent(part)));
}

/** A question put to git beside the one that is compared. */
export interface OtherQuestion {
  readonly door: Door;
  readonly bytes: Buffer;
}

/**
 * Trees that wants name, alone, and then everything else that is wanted: git takes a tree that it meets in both ways
 * for what it was first. Nothing where no trees are named.
 */
export function namedQuestions(
  bytes: Buffer,
  door: Door,
  { graph }: TestRepository,
): [alone: OtherQuestion, others: OtherQuestion] | undefined {
  const { wants = [], filter } = readRounds(bytes, door.version).at(-1) ?? {};
  const trees = wants.filter((oid) => graph.get(graph.peel(oid).at(-1)!)?.type === 'tree');
  if (filter === undefined || trees.length === 0) return undefined;
  const lines = trees.map((oid) => `want ${oid}`);
  const head = ['command=fetch', 'object-format=sha1'].map((line) => pkt(`${line}\n`));
  const args = [...lines, `filter ${filter}`, 'done'].map((line) => pkt(`${line}\n`));
  const alone = [...head, DELIM, ...args, FLUSH];
  const others = readPackets(bytes).packets.filter(({ text }) => !lines.includes(text));
  return [
    { door: { version: 2, stateless: true }, bytes: Buffer.from(alone.join('')) },
    { door, bytes: Buffer.from(others.map(encodePacket).join(''), 'latin1') },
  ];
}

function encodePacket({ text, isLine }: ClientPacket): string {
  return isLine ? pkt(`${text}\n`) : text;
}
