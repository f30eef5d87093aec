/** Questions as bytes: what a client would send to one repository. */
import { DELIM, FLUSH, pkt } from '../support/requests.ts';
import type { Cell } from './coverage.ts';
import { PATTERNS, type TestRepository } from './repositories.ts';
import { type FilterChoice, type Named, type Question, textOf } from './requests.ts';

/** The bytes of a whole conversation. */
export function encodeQuestion(question: Question, cell: Cell, repository: TestRepository): Buffer {
  const resolved = resolve(question, repository);
  const packets =
    cell.version === 2 ? encodeV2(question, resolved, cell, repository) : encodeV0(question, resolved, cell);
  const { fault } = question;
  const at = Math.round((fault?.place ?? 0) * packets.length);
  if (fault?.kind === 'line') packets.splice(at, 0, pkt(`${textOf(fault)}\n`));
  if (fault?.kind === 'packet') packets.splice(at, 0, textOf(fault));
  const bytes = Buffer.from(packets.join(''), 'latin1');
  return fault?.kind === 'cut' ? bytes.subarray(0, Math.round(fault.place * bytes.length)) : bytes;
}

/** Lines without what the versions say differently. */
interface Resolved {
  readonly wants: readonly string[];
  readonly haves: readonly (readonly string[])[];
  /** `shallow`, `deepen` and their like. */
  readonly limits: readonly string[];
  readonly filter: string | undefined;
}

function resolve(question: Question, repository: TestRepository): Resolved {
  const { graph, visible, branches } = repository;
  // A ref that is kept out must leave some of the first want.
  const parted = [...branches].filter(([, others]) => question.not.length === 0 || others.length > 0);
  const firsts = parted.length > 0 ? parted.map(([oid]) => oid) : undefined;
  const wants = question.wants.map((want, i) =>
    resolveName(want, repository, [], i === 0 ? firsts : undefined),
  );
  const reached = [...graph.closure(wants)].filter((oid) => graph.get(oid)?.type === 'commit').sort();
  const name = (named: Named) => resolveName(named, repository, reached);
  const limits = question.shallow.map((cut) => `shallow ${name(cut)}`);
  if (question.depth !== undefined) limits.push(`deepen ${question.depth}`);
  if (question.since) {
    const { n, seconds } = question.since;
    const isSafe = question.variety === 'sound';
    const of = isSafe ? graph.peel(wants[0]).at(-1)! : reached[n % reached.length];
    const date = (graph.get(of)?.date ?? 0) + (isSafe ? -n : seconds);
    limits.push(`deepen-since ${Math.max(1, date)}`);
  }
  const others = branches.get(wants[0]) ?? [];
  const refs = others.length > 0 ? others : [...visible.keys()];
  for (const n of question.not) limits.push(`deepen-not ${shorten(refs[n % refs.length] ?? 'main', n)}`);
  return {
    wants,
    haves: question.haves.map((batch) => batch.map(name)),
    limits,
    filter: question.filter && encodeFilter(question.filter, repository),
  };
}

function resolveName(
  { kind, n }: Named,
  { graph, visible, hidden, branches }: TestRepository,
  reached: readonly string[],
  first = [...branches.keys()],
): string {
  const lists = {
    branch: () => first,
    visible: () => [...visible.values()],
    hidden: () => [...hidden.values()],
    ancestor: () => reached,
    missing: () => [],
  };
  const list = kind in lists ? lists[kind as keyof typeof lists]() : graph.ofType(kind as 'commit');
  return list[n % list.length] ?? `${n}`.padStart(40, '6');
}

/** Refs may be named without their beginning. */
function shorten(ref: string, n: number): string {
  return n % 2 === 0 ? ref : ref.replace(/^refs\/(?:heads\/)?(?=.)/, '');
}

function encodeFilter({ kind, n, parts }: FilterChoice, repository: TestRepository): string {
  const { graph, visible } = repository;
  switch (kind) {
    case 'blob:limit': {
      const blobs = graph.ofType('blob');
      const size = graph.get(blobs[n % blobs.length])?.data.length ?? 0;
      return `blob:limit=${[0, size, size + 1, '1k', '0x300'][n % 5]}`;
    }
    case 'tree':
      return `tree:${n % 5}`;
    case 'sparse:oid': {
      if (visible.has('refs/heads/extras')) return `sparse:oid=extras:sparse/p${n % PATTERNS.length}`;
      const blobs = graph.ofType('blob');
      return `sparse:oid=${blobs[n % blobs.length]}`;
    }
    case 'object:type':
      return `object:type=${['commit', 'tree', 'blob', 'tag'][n % 4]}`;
    case 'combine':
      return `combine:${parts.map((part) => escapePart(encodeFilter(part, repository))).join('+')}`;
    default:
      return kind;
  }
}

function escapePart(spec: string): string {
  return spec.replace(/[%+]/g, (c) => `%${c.charCodeAt(0).toString(16)}`);
}

const AGENT = 'agent=differential/1.0';

function encodeV0(
  question: Question,
  { wants, haves, limits, filter }: Resolved,
  { stateless }: Cell,
): string[] {
  const { multiAck, band, flags, noDone, limitsFirst, end } = question;
  const words = [
    multiAck,
    band,
    ...flags,
    noDone ? 'no-done' : '',
    question.relative ? 'deepen-relative' : '',
  ];
  if (filter) words.push('filter');
  const capabilities = [...words, AGENT].filter(Boolean).join(' ');
  const wantLines = wants.map((oid, i) => (i === 0 ? `want ${oid} ${capabilities}` : `want ${oid}`));
  // The capability comes with the first want.
  const filterLine = filter ? [`filter ${filter}`] : [];
  const needs = limitsFirst ? [...limits, ...wantLines] : [...wantLines, ...limits];
  const packets = [...needs, ...filterLine].map((line) => pkt(`${line}\n`));
  packets.push(FLUSH);
  const batches = haves.map((batch) => batch.map((oid) => pkt(`have ${oid}\n`)));
  if (stateless) packets.push(...batches.flat());
  else for (const batch of batches) packets.push(...batch, FLUSH);
  if (end === 'done') packets.push(pkt('done\n'));
  if (end === 'flush') packets.push(FLUSH);
  return packets;
}

function encodeV2(
  question: Question,
  { wants, haves, limits, filter }: Resolved,
  { stateless }: Cell,
  repository: TestRepository,
): string[] {
  const { flags, waitForDone, limitsFirst, end, relative, lists } = question;
  const command = (name: string, args: readonly string[]) => [
    ...[`command=${name}`, AGENT, 'object-format=sha1'].map((line) => pkt(`${line}\n`)),
    DELIM,
    ...args.map((line) => pkt(`${line}\n`)),
    FLUSH,
  ];
  const wantLines = wants.map((oid) => `want ${oid}`);
  const needs = [
    ...limits,
    ...(relative ? ['deepen-relative'] : []),
    ...(filter ? [`filter ${filter}`] : []),
  ];
  const first = limitsFirst ? [...needs, ...wantLines, ...flags] : [...flags, ...wantLines, ...needs];
  const rounds = stateless ? [haves.flat()] : haves.map((_, i) => haves.slice(0, i + 1).flat());
  // git remembers what one request of a connection said of shallow commits; so only the last may get a pack then.
  const patient = waitForDone || limits.length > 0 || repository.shallow.size > 0;
  const packets = lists && !stateless ? command('ls-refs', ['peel', 'symrefs', 'unborn']) : [];
  for (const [i, round] of (rounds.length > 0 ? rounds : [[]]).entries()) {
    const isLast = i >= rounds.length - 1;
    const args = [...first, ...round.map((oid) => `have ${oid}`)];
    if (isLast ? waitForDone : patient) args.push('wait-for-done');
    if (isLast && end === 'done') args.push('done');
    packets.push(...command('fetch', args));
  }
  if (!stateless) packets.push(FLUSH);
  return packets;
}
