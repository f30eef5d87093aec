/** Serves requests to no one, by the engine that serves clients, and says what that took. */
import { Pace } from '../pack/pace.ts';
import { pacedInput } from '../protocol/paced-input.ts';
import { DELIM, encodePktLine, FLUSH } from '../protocol/pkt-line.ts';
import type { HashName } from '../repository/object-format.ts';
import { newStatistics, type Statistics } from '../upload-pack/statistics.ts';
import type { UploadPack } from '../upload-pack/upload-pack.ts';
import { CountingSink } from './counting-sink.ts';
import type { Ancestor } from './find-ancestor.ts';
import type { Clone, DryRun, Fetch } from './report.ts';

/** What `git clone` asks for. */
const LISTING = [
  'peel',
  'symrefs',
  'unborn',
  'ref-prefix HEAD',
  'ref-prefix refs/heads/',
  'ref-prefix refs/tags/',
];
const CAPABILITIES = ['thin-pack', 'include-tag', 'ofs-delta'];

export function dryList(server: UploadPack, hash: HashName): Promise<DryRun> {
  return request(server, hash, 'ls-refs', LISTING);
}

/** The list of every ref that clients of version 0 are sent before they ask for anything. */
export async function dryAdvertise(server: UploadPack): Promise<DryRun> {
  const sink = new CountingSink();
  const statistics = newStatistics('advertise');
  await server.advertise(0, { sink, pace: new Pace(), statistics });
  return { bytes: sink.bytes, statistics };
}

/** @param wants ids, hex */
export async function dryClone(
  server: UploadPack,
  hash: HashName,
  wants: Iterable<string>,
  onProgress: (text: string) => void,
): Promise<Clone> {
  const lines = Array.from(wants, (oid) => `want ${oid}`);
  const run = await request(server, hash, 'fetch', [...CAPABILITIES, ...lines, 'done'], onProgress);
  return { ...run, copied: copiedShare(run.statistics) };
}

/** What the default branch has got since its client has fetched. */
export async function dryFetch(
  server: UploadPack,
  hash: HashName,
  { tip, oid, behind }: Ancestor,
): Promise<Fetch> {
  const run = await request(server, hash, 'fetch', [...CAPABILITIES, `want ${tip}`, `have ${oid}`]);
  return { ...run, behind };
}

/** Entries are copied whole, or with a new header before the same zlib stream. */
function copiedShare({ bytes: { verbatim, delta, stream, total } }: Statistics): number {
  return total === 0 ? 0 : (verbatim + delta + stream) / total;
}

async function request(
  server: UploadPack,
  hash: HashName,
  command: string,
  args: readonly string[],
  onProgress?: (text: string) => void,
): Promise<DryRun> {
  const lines = (texts: readonly string[]) => texts.map((text) => encodePktLine(`${text}\n`));
  const head = [`command=${command}`, `object-format=${hash}`];
  const bytes = Buffer.concat([...lines(head), DELIM, ...lines(args), FLUSH]);
  const sink = new CountingSink(onProgress);
  const pace = new Pace();
  const statistics = newStatistics(command);
  await server.answer(2, pacedInput(bytes, pace.pauseIfDue), { sink, pace, statistics });
  return { bytes: sink.bytes, statistics };
}
