/** What would make a repository cheaper to serve. Small repositories are cheap as they are: nothing is said of them. */
import path from 'node:path';
import type { GitConfig } from '../repository/config.ts';
import { promisorRemotes } from '../repository/promisor-remotes.ts';
import type { Failure, Recommendation, Report, Storage } from './report.ts';

type Found = Omit<Report, 'recommendations'>;

/** Objects that a clone must have walked for a bitmap to be worth it, and their share of the clone. */
const LEAST_WALKED = 1000;
const LEAST_SHARE = 0.1;
/** Commits that one clone, or one fetch, reads from their objects. */
const MOST_OPENED_COMMITS = 500;
const MOST_LOOSE = 500;
const MOST_PACKS = 10;
/** Visible refs of one kind that are neither branches nor tags. */
const MOST_OTHERS = 100;
/** Bytes of packs that are not lightly written anew. */
const LARGE = 2 ** 31;

/** In the order in which they are best carried out. */
export function recommend(found: Found): Recommendation[] {
  return [adviseLoose, adviseBitmap, advisePacks, adviseCommitGraph, adviseRefs].flatMap((advise) =>
    advise(found),
  );
}

function adviseBitmap(found: Found): Recommendation[] {
  const { state } = found.storage.bitmap;
  const statistics = found.clone?.statistics;
  if (!statistics || state === 'shallow') return [];
  // What a repository adds to what it borrows is walked, as git knows no bitmap over both.
  if (state === 'usable' && largestBorrowed(found.storage, found.directory)) return [];
  const { walked, objects } = statistics;
  if (walked < LEAST_WALKED || walked < objects.total * LEAST_SHARE) return [];
  const cost = `${count(walked)} of ${count(objects.total)} objects of a clone are found by walking`;
  if (state === 'off') {
    const why = `The repository's configuration says not to use bitmaps (pack.useBitmaps), so ${cost}.`;
    const { directory } = found;
    return [{ finding: 'bitmap', why, directory, command: ['config', 'pack.useBitmaps', 'true'] }];
  }
  const reason = {
    usable: 'The bitmap is out of date',
    unusable: 'The bitmap is damaged',
    absent: 'There is no bitmap',
  };
  return [{ finding: 'bitmap', why: `${reason[state]}: ${cost}.`, ...makeBitmap(found) }];
}

function adviseLoose(found: Found): Recommendation[] {
  const { storage, directory, clone } = found;
  const anew = clone?.statistics.objects.deflated ?? 0;
  if (storage.loose < MOST_LOOSE || anew < MOST_LOOSE) return [];
  const why = `${count(storage.loose)} objects lie in files of their own: ${count(anew)} are deflated anew for each clone.`;
  // What makes a bitmap packs them as well.
  const packing = adviseBitmap(found).find(({ command }) => command[0] === 'repack');
  return [{ finding: 'loose', why, directory, command: packing?.command ?? ['repack', '-d'] }];
}

function advisePacks(found: Found): Recommendation[] {
  const { packs, multiPackIndex } = found.storage;
  const unindexed = packs.length - (multiPackIndex?.packs ?? 0);
  if (unindexed <= MOST_PACKS) return [];
  const why = `${count(unindexed)} packs are searched one after the other, and deltas do not reach from one to the next.`;
  return [{ finding: 'packs', why, ...makeBitmap(found) }];
}

function adviseCommitGraph({ storage: { commitGraph }, directory, clone, fetch }: Found): Recommendation[] {
  const opened = Math.max(clone?.statistics.opened ?? 0, fetch?.statistics.opened ?? 0);
  if (commitGraph.state === 'off' || opened < MOST_OPENED_COMMITS) return [];
  const why = `${count(commitGraph.missing)} commits are not in a commit-graph: whoever walks the history reads them from their objects.`;
  return [{ finding: 'commit-graph', why, directory, command: ['commit-graph', 'write', '--reachable'] }];
}

function adviseRefs({ refs, advertisement, directory }: Found): Recommendation[] {
  return refs.others
    .filter((other) => other.refs >= MOST_OTHERS)
    .map((other) => ({
      finding: 'refs' as const,
      why: `${count(other.refs)} of the ${count(advertisement.statistics.refs)} refs that mirrors and old clients are sent lie in ${other.prefix}. Hidden, they can no longer be fetched by name.`,
      directory,
      command: ['config', '--add', 'transfer.hideRefs', other.prefix],
    }));
}

/**
 * Where to make a bitmap, and how: by one new pack, or, where that would cost much or lose something, over the packs as
 * they are. Only one directory's bitmap is used, and it must know all that it leads to: so not that of who borrows.
 */
function makeBitmap({ storage, directory }: Found): Pick<Recommendation, 'directory' | 'command'> {
  const { packs, multiPackIndex, loose } = storage;
  const borrowed = largestBorrowed(storage, directory);
  const bytes = packs.reduce((sum, pack) => sum + pack.bytes, 0);
  const isLarge = packs.length > 1 && bytes >= LARGE;
  const asTheyAre = borrowed ?? (multiPackIndex || packs.some((pack) => pack.isKept) || isLarge);
  const where = borrowed ?? directory;
  if (!asTheyAre) return { directory: where, command: ['repack', '-adb'] };
  // What is loose has no place in such an index.
  const command =
    loose === 0
      ? ['multi-pack-index', 'write', '--bitmap']
      : ['repack', '-d', '--write-midx', '--write-bitmap-index'];
  return { directory: where, command };
}

/** What gets all that a partial clone has left to its remote. */
export function completePartial(directory: string, config: GitConfig): Failure['complete'] {
  const [remote] = promisorRemotes(config);
  if (remote === undefined) return undefined;
  // A bare clone has no refspec: git would fetch HEAD alone.
  const isBare = config.get(`remote.${remote}.fetch`) === undefined;
  const refspecs = isBare ? ['refs/heads/*:refs/heads/*', 'refs/tags/*:refs/tags/*'] : [];
  // Without the filter, which the remote's configuration keeps: else git leaves out the same once more.
  return { directory, command: ['fetch', '--refetch', '--no-filter', remote, ...refspecs] };
}

/** The repository that most is borrowed from; undefined where nothing is. */
function largestBorrowed({ packs }: Storage, directory: string): string | undefined {
  const bytes = new Map<string, number>();
  for (const pack of packs) bytes.set(pack.directory, (bytes.get(pack.directory) ?? 0) + pack.bytes);
  bytes.delete(path.join(directory, 'objects'));
  const [largest] = [...bytes].sort(([, a], [, b]) => b - a);
  return largest && path.dirname(largest[0]);
}

function count(number: number): string {
  return number.toLocaleString('en-US');
}
