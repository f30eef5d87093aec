/** `fetch`: the ref listing, and fetches of what is new, by the service and by `git upload-pack`. */
import type { BenchOptions } from './bench.ts';
import { type Case, compare } from './compare.ts';
import { git } from './git.ts';
import { encodeFetch, encodeLsRefs } from './request.ts';
import { openSource, type Source } from './source.ts';

/** How many first parents the client's branch lies behind. */
const BEHIND = [10, 300];
/** What git names in the first round of a negotiation. */
const HAVES = 16;

export async function fetch(options: BenchOptions): Promise<string> {
  const source = await openSource(options);
  const lsRefs = { name: 'ls-refs', request: encodeLsRefs(source.format), pack: false, bitmap: false };
  return compare(source, [lsRefs, ...BEHIND.map((commits) => behind(source, commits))], options);
}

/** A fetch of one branch: the client has that branch as it was. */
function behind({ directory, format }: Source, commits: number): Case {
  const wants = [git(directory, 'rev-parse', 'HEAD')];
  const haves = git(directory, 'rev-list', `--max-count=${HAVES}`, `HEAD~${commits}`).split('\n');
  return {
    name: `fetch, ${commits} behind`,
    request: encodeFetch({ wants, haves }, format),
    pack: true,
    bitmap: true,
  };
}
