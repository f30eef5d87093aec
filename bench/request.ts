/** Requests of protocol version 2, as git sends them: the same bytes go to the service and to `git upload-pack`. */

export interface FetchQuery {
  readonly wants: readonly string[];
  readonly haves: readonly string[];
  /** Commits of history from each want; undefined for all of it. */
  readonly depth?: number;
}

/** Progress is asked for, as by a user at a terminal. */
const FETCH_ARGUMENTS = ['thin-pack', 'include-tag', 'ofs-delta'];
const DELIM = '0001';
const FLUSH = '0000';

/** All refs that a clone asks for. */
export function encodeLsRefs(format: string): Buffer {
  return encodeRequest('ls-refs', format, [
    'peel',
    'symrefs',
    'unborn',
    'ref-prefix HEAD',
    'ref-prefix refs/heads/',
    'ref-prefix refs/tags/',
  ]);
}

/** With haves it is the first round of a negotiation, which a server ends with `ready` and the pack. */
export function encodeFetch({ wants, haves, depth }: FetchQuery, format: string): Buffer {
  return encodeRequest('fetch', format, [
    ...FETCH_ARGUMENTS,
    ...(depth === undefined ? [] : [`deepen ${depth}`]),
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
