/** Arguments of the v2 command `fetch` (protocol section 1.5). */
import { protocolError } from '../errors.ts';
import { type HistoryLimits, HistoryLimitsDraft, readOid } from './history-limits.ts';
import { textOf } from './pkt-line.ts';

export interface FetchRequest extends HistoryLimits, FetchFlags {
  /** Object ids, lower-case hex, each once, in the order they were first named. */
  readonly wants: readonly string[];
  readonly haves: readonly string[];
  /** What the client wants to do without, as it wrote it; undefined for nothing. */
  readonly filter: string | undefined;
}

export interface FetchFlags {
  /** Whether `depth` counts from where the client's history ends, not from the wants. */
  readonly deepenRelative: boolean;
  readonly done: boolean;
  readonly waitForDone: boolean;
  readonly thinPack: boolean;
  readonly noProgress: boolean;
  readonly includeTag: boolean;
  readonly ofsDelta: boolean;
}

const FLAGS: Readonly<Record<string, keyof FetchFlags>> = {
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
  const limits = new HistoryLimitsDraft(hexLength);
  const flags = new Set<keyof FetchFlags>();
  let filter: string | undefined;
  for (const arg of args) {
    const flag = Object.hasOwn(FLAGS, arg) ? FLAGS[arg] : undefined;
    if (flag) {
      flags.add(flag);
    } else if (arg.startsWith('want ')) {
      const id = readOid(arg, 5, hexLength);
      if (!id) throw protocolError(`git upload-pack: protocol error, expected to get oid, not '${arg}'`);
      wants.add(id);
    } else if (arg.startsWith('have ')) {
      const id = readOid(arg, 5, hexLength);
      if (!id) throw protocolError(`git upload-pack: expected SHA1 object, got '${arg.slice(5)}'`);
      haves.add(id);
    } else if (arg.startsWith('filter ')) {
      if (filter !== undefined) throw protocolError('multiple filter-specs cannot be combined');
      filter = arg.slice('filter '.length);
    } else if (!limits.take(arg)) {
      throw protocolError(`unexpected line: '${textOf(arg)}'`);
    }
  }
  const given = Object.values(FLAGS).map((name) => [name, flags.has(name)]);
  return {
    ...(Object.fromEntries(given) as Record<keyof FetchFlags, boolean>),
    ...limits.limits,
    wants: [...wants],
    haves: [...haves],
    filter,
  };
}
