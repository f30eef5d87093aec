/** How much of a history a client has and wants: lines that all versions of the protocol share (protocol section 1.5). */
import { protocolError } from '../errors.ts';

export interface HistoryLimits {
  /** Commits of history from each want, or undefined for all. */
  readonly depth: number | undefined;
  /** Only commits of this time (seconds since 1970) or younger. */
  readonly since: number | undefined;
}

/** A line that names something, which is looked up at once: a client may name what is not here without end. */
export type HistoryArgument =
  /** A commit that the client has without its parents; lower-case hex. */
  | { readonly kind: 'shallow'; readonly oid: string }
  /** Only commits that this ref does not reach; its name as the client wrote it. */
  | { readonly kind: 'deepen-not'; readonly name: string };

/** A depth that stands for all of history. */
export const INFINITE_DEPTH = 2147483647;

/** Takes the lines one by one. */
export class HistoryLimitsDraft {
  readonly #hexLength: number;
  #depth: number | undefined;
  #since: number | undefined;

  constructor(hexLength: number) {
    this.#hexLength = hexLength;
  }

  /**
   * @returns what the line names, or whether it is one of these at all
   * @throws PackhorseError `PACKHORSE_PROTOCOL` where it is and is not well formed
   */
  take(line: string): HistoryArgument | boolean {
    if (line.startsWith('shallow ')) {
      const oid = readOid(line, 8, this.#hexLength);
      if (!oid) throw protocolError(`invalid shallow line: ${line}`);
      return { kind: 'shallow', oid };
    }
    if (line.startsWith('deepen-not ')) return { kind: 'deepen-not', name: line.slice('deepen-not '.length) };
    if (line.startsWith('deepen ')) {
      this.#depth = Math.min(readNumber(line, 'deepen', 1), INFINITE_DEPTH);
    } else if (line.startsWith('deepen-since ')) {
      this.#since = readNumber(line, 'deepen-since', 0);
    } else return false;
    return true;
  }

  /** Everything taken. */
  get limits(): HistoryLimits {
    return { depth: this.#depth, since: this.#since };
  }
}

/** The object id at `from`, lower-case; what follows it does not matter. Undefined where there is none. */
export function readOid(line: string, from: number, hexLength: number): string | undefined {
  const hex = line.slice(from, from + hexLength);
  if (hex.length !== hexLength) return undefined;
  // As clients write it: to make lower case of what is that already takes as long as the rest.
  if (/^[0-9a-f]+$/.test(hex)) return hex;
  return /^[0-9a-f]+$/i.test(hex) ? hex.toLowerCase() : undefined;
}

function readNumber(line: string, name: string, least: number): number {
  const number = parseNumber(line.slice(name.length + 1));
  if (!(number >= least)) throw protocolError(`Invalid ${name}: ${line}`);
  return number;
}

/** As C's strtol with base 0: `0x10` and `010` are numbers too. NaN for what is none. */
function parseNumber(text: string): number {
  const [, hex, octal, decimal] = /^\s*\+?(?:0x([0-9a-f]+)|(0[0-7]*)|([1-9][0-9]*))$/i.exec(text) ?? [];
  if (hex) return Number.parseInt(hex, 16);
  return octal ? Number.parseInt(octal, 8) : Number.parseInt(decimal ?? '', 10);
}
