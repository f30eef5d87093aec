/** Arguments of the v2 command `ls-refs` (protocol section 1.4). */
import { protocolError } from '../errors.ts';
import type { LineBudget } from './line-budget.ts';

export interface LsRefsRequest {
  readonly peel: boolean;
  readonly symrefs: boolean;
  readonly unborn: boolean;
  /** Byte prefixes of full ref names; empty lists everything. */
  readonly prefixes: readonly string[];
}

/** From this many prefixes on git drops them all and lists everything. */
const MAX_PREFIXES = 65536;
/** So many characters of them are dropped as well: to list everything is always right. */
const MAX_TEXT = 4 * 1024 * 1024;

/** Takes the lines one by one. */
export class LsRefsDraft {
  readonly #budget: LineBudget;
  readonly #flags = { peel: false, symrefs: false, unborn: false };
  #prefixes: string[] | undefined = [];
  #text = 0;

  constructor(budget: LineBudget) {
    this.#budget = budget;
  }

  /** @throws PackhorseError `PACKHORSE_PROTOCOL` on an argument that is not known */
  take(line: string): void {
    if (line === 'peel' || line === 'symrefs' || line === 'unborn') this.#flags[line] = true;
    else if (line.startsWith('ref-prefix ')) this.#addPrefix(line.slice('ref-prefix '.length));
    else throw protocolError(`unexpected line: '${line}'`);
  }

  /** Everything taken. */
  get request(): LsRefsRequest {
    return { ...this.#flags, prefixes: this.#prefixes ?? [] };
  }

  #addPrefix(prefix: string): void {
    if (!this.#prefixes) return;
    this.#budget.keepText(prefix);
    this.#text += prefix.length;
    this.#prefixes.push(prefix);
    if (this.#prefixes.length === MAX_PREFIXES || this.#text > MAX_TEXT) this.#prefixes = undefined;
  }
}
