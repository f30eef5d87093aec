/** Arguments of the v2 command `ls-refs` (protocol section 1.4). */
import { protocolError } from '../errors.ts';
import type { Arguments } from './v2-request.ts';

export interface LsRefsRequest {
  readonly peel: boolean;
  readonly symrefs: boolean;
  readonly unborn: boolean;
  /** Byte prefixes of full ref names; empty lists everything. */
  readonly prefixes: readonly string[];
}

/** From this many prefixes on git drops them all and lists everything. */
const MAX_PREFIXES = 65536;

/** @throws PackhorseError `PACKHORSE_PROTOCOL` on an argument that is not known */
export function parseLsRefs({ lines, flushed }: Arguments): LsRefsRequest {
  let peel = false;
  let symrefs = false;
  let unborn = false;
  const prefixes: string[] = [];
  for (const arg of lines) {
    if (arg === 'peel') peel = true;
    else if (arg === 'symrefs') symrefs = true;
    else if (arg === 'unborn') unborn = true;
    else if (arg.startsWith('ref-prefix ')) prefixes.push(arg.slice('ref-prefix '.length));
    else throw protocolError(`unexpected line: '${arg}'`);
  }
  if (!flushed) throw protocolError('expected flush after ls-refs arguments');
  return { peel, symrefs, unborn, prefixes: prefixes.length < MAX_PREFIXES ? prefixes : [] };
}
