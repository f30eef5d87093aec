/** Arguments of the v2 command `fetch` (protocol section 1.5). */
import { protocolError } from '../errors.ts';
import { type HistoryArgument, type HistoryLimits, HistoryLimitsDraft, readOid } from './history-limits.ts';
import type { LineBudget } from './line-budget.ts';

export interface FetchRequest extends HistoryLimits, FetchFlags {
  /** What the client wants to do without, as it wrote it; undefined for nothing. */
  readonly filter: string | undefined;
  /** Protocols of URIs from which the client gets parts of the pack, byte strings. */
  readonly uriProtocols: readonly string[];
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

/** Arguments that are taken only where they are offered, by the names under which they are advertised. */
export type FetchFeature = 'filter' | 'ref-in-want' | 'sideband-all' | 'packfile-uris';

/** A line that counts at once: what it names is to be there, and what follows it is told of in bands. */
export type ImmediateArgument =
  | HistoryArgument
  /** Lower-case hex. */
  | { readonly kind: 'want'; readonly oid: string }
  /** The same. */
  | { readonly kind: 'have'; readonly oid: string }
  /** A full name, byte string. */
  | { readonly kind: 'want-ref'; readonly name: string }
  | { readonly kind: 'sideband-all' };

const FLAGS: Readonly<Record<string, keyof FetchFlags>> = {
  done: 'done',
  'wait-for-done': 'waitForDone',
  'thin-pack': 'thinPack',
  'no-progress': 'noProgress',
  'include-tag': 'includeTag',
  'ofs-delta': 'ofsDelta',
  'deepen-relative': 'deepenRelative',
};

/** Takes the lines one by one. */
export class FetchRequestDraft {
  readonly #hexLength: number;
  readonly #features: readonly FetchFeature[];
  readonly #budget: LineBudget;
  readonly #limits: HistoryLimitsDraft;
  readonly #flags = new Set<keyof FetchFlags>();
  #filter: string | undefined;
  #uriProtocols: readonly string[] | undefined;
  #sidebandAll = false;

  /** @param hexLength digits of an object id: 40 or 64 */
  constructor(hexLength: number, features: readonly FetchFeature[], budget: LineBudget) {
    this.#hexLength = hexLength;
    this.#features = features;
    this.#budget = budget;
    this.#limits = new HistoryLimitsDraft(hexLength);
  }

  /**
   * @returns what is to be done before the next line is read, if anything
   * @throws PackhorseError `PACKHORSE_PROTOCOL` on a line that is not known or not well formed
   */
  take(line: string): ImmediateArgument | undefined {
    if (line.startsWith('want ')) {
      const oid = readOid(line, 5, this.#hexLength);
      if (!oid) throw protocolError(`git upload-pack: protocol error, expected to get oid, not '${line}'`);
      return { kind: 'want', oid };
    }
    if (line.startsWith('have ')) {
      const oid = readOid(line, 5, this.#hexLength);
      if (!oid) throw protocolError(`git upload-pack: expected SHA1 object, got '${line.slice(5)}'`);
      return { kind: 'have', oid };
    }
    // Behind the lines that come by the thousand: each text that is looked up is hashed, and kept once.
    const flag = Object.hasOwn(FLAGS, line) ? FLAGS[line] : undefined;
    if (flag) {
      this.#flags.add(flag);
      return undefined;
    }
    const limit = this.#limits.take(line);
    if (limit === false) return this.#takeOffered(line);
    return limit === true ? undefined : limit;
  }

  /** Everything taken, but for what was to be done at once. */
  get request(): FetchRequest {
    const flags = Object.values(FLAGS).map((name) => [name, this.#flags.has(name)]);
    return {
      ...(Object.fromEntries(flags) as Record<keyof FetchFlags, boolean>),
      ...this.#limits.limits,
      filter: this.#filter,
      // As in git, URIs are told of in bands or not at all.
      uriProtocols: this.#sidebandAll ? (this.#uriProtocols ?? []) : [],
    };
  }

  #takeOffered(line: string): ImmediateArgument | undefined {
    const offers = (feature: FetchFeature) => this.#features.includes(feature);
    if (line.startsWith('want-ref ') && offers('ref-in-want')) {
      return { kind: 'want-ref', name: line.slice('want-ref '.length) };
    }
    if (line === 'sideband-all' && offers('sideband-all')) {
      this.#sidebandAll = true;
      return { kind: 'sideband-all' };
    }
    if (line.startsWith('filter ') && offers('filter')) {
      if (this.#filter !== undefined) throw protocolError('multiple filter-specs cannot be combined');
      this.#budget.keepText(line);
      this.#filter = line.slice('filter '.length);
    } else if (line.startsWith('packfile-uris ') && offers('packfile-uris')) {
      if (this.#uriProtocols) throw protocolError('multiple packfile-uris lines forbidden');
      this.#uriProtocols = line.slice('packfile-uris '.length).split(',');
      for (const protocol of this.#uriProtocols) this.#budget.keepText(protocol);
    } else {
      throw protocolError(`unexpected line: '${line}'`);
    }
    return undefined;
  }
}
