/** Requests of protocol version 2, as git sends them: the same bytes go to the service and to `git upload-pack`. */

export interface FetchQuery {
  readonly wants: readonly string[];
  readonly haves: readonly string[];
  /** Commits of history from each want; undefined for all of it. */
  readonly depth?: number;
  /** As in `blob:none`; undefined for everything. */
  readonly filter?: string;
}

/** Progress is asked for, as by a user at a terminal. */
const FETCH_ARGUMENTS = ['thin-pack', 'include-tag', 'ofs-delta'];
const DELIM = '0001';
const FLUSH = '0000';

/** What a clone asks for. */
const CLONE_PREFIXES = ['HEAD', 'refs/heads/', 'refs/tags/'];

/** @param prefixes none: all refs */
export function encodeLsRefs(format: string, prefixes: readonly string[] = CLONE_PREFIXES): Buffer {
  const asked = prefixes.map((prefix) => `ref-prefix ${prefix}`);
  return encodeRequest('ls-refs', format, ['peel', 'symrefs', 'unborn', ...asked]);
}

/** With haves it is the first round of a negotiation, which a server ends with `ready` and the pack. */
export function encodeFetch({ wants, haves, depth, filter }: FetchQuery, format: string): Buffer {
  return encodeRequest('fetch', format, [
    ...FETCH_ARGUMENTS,
    ...(depth === undefined ? [] : [`deepen ${depth}`]),
    ...(filter === undefined ? [] : [`filter ${filter}`]),
    ...wants.map((oid) => `want ${oid}`),
    ...haves.map((oid) => `have ${oid}`),
    ...(haves.length === 0 ? ['done'] : []),
  ]);
}

function encodeRequest(command: string, format: string, args: readonly string[]): Buffer {
  const head = [`command=${command}`, 'agent=git/2.39.5', `object-format=${format}`];
  return Buffer.from([...head.map(line), DELIM, ...args.map(line), FLUSH].join(''));
}

function line(text: string): string {
  return `${(text.length + 5).toString(16).padStart(4, '0')}${text}\n`;
}
