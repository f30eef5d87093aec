/** Arguments of the v2 command `fetch` (protocol section 1.5). */
import { protocolError } from '../errors.ts';

export interface FetchRequest {
  /** Object ids, lower-case hex, each once, in the order they were first named. */
  readonly wants: readonly string[];
  readonly haves: readonly string[];
  readonly shallow: readonly string[];
  /** Commits of history from each want, or undefined for all. */
  readonly depth: number | undefined;
  /** Whether `depth` counts from where the client's history ends, not from the wants. */
  readonly deepenRelative: boolean;
  /** Only commits of this time (seconds since 1970) or younger. */
  readonly since: number | undefined;
  /** Only commits that these refs do not reach; names as the client wrote them. */
  readonly not: readonly string[];
  /** What the client wants to do without, as it wrote it; undefined for nothing. */
  readonly filter: string | undefined;
  readonly done: boolean;
  readonly waitForDone: boolean;
  readonly thinPack: boolean;
  readonly noProgress: boolean;
  readonly includeTag: boolean;
  readonly ofsDelta: boolean;
}

/** A depth that stands for all of history. */
export const INFINITE_DEPTH = 2147483647;

type Draft = { -readonly [K in keyof FetchRequest]: FetchRequest[K] };

const FLAGS: Readonly<Record<string, keyof Draft>> = {
  done: 'done',
  'wait-for-done': 'waitForDone',
  'thin-pack': 'thinPack',
  'no-progress': 'noProgress',
  'include-tag': 'includeTag',
  'ofs-delta': 'ofsDelta',
  'deepen-relative': 'deepenRelative',
};

/**
 * @param hexLength digits of an object id: 40 or 64
 * @throws PackhorseError `PACKHORSE_PROTOCOL` on an argument that is not known or not well formed
 */
export function parseFetch(args: readonly string[], hexLength: number): FetchRequest {
  const wants = new Set<string>();
  const haves = new Set<string>();
  const shallow = new Set<string>();
  const not = new Set<string>();
  const draft = { depth: undefined, since: undefined, filter: undefined } as Draft;
  for (const key of Object.values(FLAGS)) Object.assign(draft, { [key]: false });

  const oid = (arg: string, from: number): string | undefined => {
    const hex = arg.slice(from, from + hexLength).toLowerCase();
    return hex.length === hexLength && /^[0-9a-f]+$/.test(hex) ? hex : undefined;
  };
  for (const arg of args) {
    const flag = Object.hasOwn(FLAGS, arg) ? FLAGS[arg] : undefined;
    if (flag) {
      Object.assign(draft, { [flag]: true });
    } else if (arg.startsWith('want ')) {
      const id = oid(arg, 5);
      if (!id) throw protocolError(`git upload-pack: protocol error, expected to get oid, not '${arg}'`);
      wants.add(id);
    } else if (arg.startsWith('have ')) {
      const id = oid(arg, 5);
      if (!id) throw protocolError(`git upload-pack: expected SHA1 object, got '${arg.slice(5)}'`);
      haves.add(id);
    } else if (arg.startsWith('shallow ')) {
      const id = oid(arg, 8);
      if (!id) throw protocolError(`invalid shallow line: ${arg}`);
      shallow.add(id);
    } else if (arg.startsWith('deepen ')) {
      draft.depth = parseDepth(arg);
    } else if (arg.startsWith('deepen-since ')) {
      draft.since = parseSince(arg);
    } else if (arg.startsWith('filter ')) {
      if (draft.filter !== undefined) throw protocolError('multiple filter-specs cannot be combined');
      draft.filter = arg.slice('filter '.length);
    } else if (arg.startsWith('deepen-not ')) {
      not.add(arg.slice('deepen-not '.length));
    } else {
      throw protocolError(`unexpected line: '${arg}'`);
    }
  }
  if (draft.depth !== undefined && (draft.since !== undefined || not.size > 0)) {
    throw protocolError('git upload-pack: deepen and deepen-since (or deepen-not) cannot be used together');
  }
  return { ...draft, wants: [...wants], haves: [...haves], shallow: [...shallow], not: [...not] };
}

function parseDepth(line: string): number {
  const depth = parseNumber(line.slice('deepen '.length));
  if (!(depth > 0)) throw protocolError(`Invalid deepen: ${line}`);
  return Math.min(depth, INFINITE_DEPTH);
}

function parseSince(line: string): number {
  const since = parseNumber(line.slice('deepen-since '.length));
  if (!(since > 0)) throw protocolError(`Invalid deepen-since: ${line}`);
  return since;
}

/** As C's strtol with base 0: `0x10` and `010` are numbers too. NaN for what is none. */
function parseNumber(text: string): number {
  const [, hex, octal, decimal] = /^\s*\+?(?:0x([0-9a-f]+)|(0[0-7]*)|([1-9][0-9]*))$/i.exec(text) ?? [];
  if (hex) return Number.parseInt(hex, 16);
  return octal ? Number.parseInt(octal, 8) : Number.parseInt(decimal ?? '', 10);
}
