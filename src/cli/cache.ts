/** `packhorse cache`: looks at what is kept in a cache directory, and removes it. */
import { defaultCacheDirectory } from '../cache-directory.ts';
import { listEntries, purgeEntries } from '../store/entries/entry-directories.ts';
import { keptStreams, type ListedStream, purgeStreams, streamHeads } from '../store/streams/kept-streams.ts';
import {
  ConfigError,
  environmentName,
  type Flag,
  type GivenValue,
  oneLine,
  splitArguments,
} from './flags.ts';
import { CACHE_HELP } from './help.ts';
import { type NamedRepository, namedRepository } from './repository-name.ts';
import { sizeOf } from './size-of.ts';
import { readCacheDirectory } from './values.ts';

const DIRECTORY_FLAG: Flag = { name: 'cache-dir', value: 'DIR', help: 'the directory that the service has' };
const FLAGS: Readonly<Record<string, readonly Flag[]>> = {
  ls: [DIRECTORY_FLAG, { name: 'json', help: 'everything, as JSON' }],
  purge: [DIRECTORY_FLAG, { name: 'all', help: 'streams and entries of every repository' }],
};
const SEE_HELP = '; see packhorse cache --help';

/**
 * @param args what stands behind `cache`
 * @returns the exit code
 * @throws ConfigError; an Error where files cannot be read or removed
 */
export async function cache(args: readonly string[]): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(CACHE_HELP);
    return 0;
  }
  const [action = '', ...rest] = args;
  if (!Object.hasOwn(FLAGS, action)) throw new ConfigError(`say cache ls or cache purge${SEE_HELP}`);
  const { given, others } = splitArguments(rest, FLAGS[action], SEE_HELP);
  const directory = directoryOf(given.get(DIRECTORY_FLAG.name)?.at(-1));
  if (action === 'purge') await purge(directory, others, given.has('all'));
  else if (others.length > 0) throw new ConfigError(`${others[0]}: only flags follow cache ls${SEE_HELP}`);
  else await list(directory, given.has('json'));
  return 0;
}

/** As `serve` finds it. */
function directoryOf(given: GivenValue | undefined): string {
  const name = environmentName(DIRECTORY_FLAG);
  const text = process.env[name];
  const value = given ?? (text ? { text, origin: name } : undefined);
  return value ? readCacheDirectory(value) : defaultCacheDirectory(process.env);
}

async function list(directory: string, asJson: boolean): Promise<void> {
  const streams = await keptStreams(directory);
  process.stdout.write(asJson ? `${JSON.stringify(streams, null, 2)}\n` : tableOf(streams, directory));
}

async function purge(directory: string, names: readonly string[], all: boolean): Promise<void> {
  if (all ? names.length > 0 : names.length !== 1) {
    throw new ConfigError(`say which repository to purge, or --all${SEE_HELP}`);
  }
  const named = all ? undefined : namedRepository(names[0], await streamHeads(directory));
  const { streams, bytes } = await purgeStreams(
    directory,
    (head) => named === undefined || (head !== undefined && named.isHead(head)),
  );
  const entries = await purgeEntriesOf(directory, named);
  const what = all ? '' : ` of ${oneLine(names[0])}`;
  const objects = entries > 0 ? `, and ${sizeOf(entries)} of entries` : '';
  process.stdout.write(
    streams === 0 && entries === 0
      ? `nothing${what} is kept in ${directory}\n`
      : `removed ${count(streams)}${what}, ${sizeOf(bytes)}${objects}\n`,
  );
}

/** @returns bytes removed */
async function purgeEntriesOf(directory: string, named: NamedRepository | undefined): Promise<number> {
  if (!named) return purgeEntries(directory);
  let bytes = 0;
  for (const { repository } of await listEntries(directory)) {
    if (named.isDirectory(repository)) bytes += await purgeEntries(directory, repository);
  }
  return bytes;
}

function tableOf(streams: readonly ListedStream[], directory: string): string {
  if (streams.length === 0) return `no streams are kept in ${directory}\n`;
  const now = Date.now();
  const rows = streams.map(({ repository, kind, bytes, created, lastUse, key }) => {
    return [
      oneLine(repository),
      kind,
      sizeOf(bytes),
      ageOf(now - created),
      ageOf(now - lastUse),
      key.slice(0, 12),
    ];
  });
  const all = [['REPOSITORY', 'KIND', 'SIZE', 'AGE', 'USED', 'KEY'], ...rows];
  const widths = all[0].map((_, column) => Math.max(...all.map((row) => row[column].length)));
  const lines = all.map((row) => {
    const cells = row.map((cell, i) => (IS_NUMBER[i] ? cell.padStart(widths[i]) : cell.padEnd(widths[i])));
    return `${cells.join('  ').trimEnd()}\n`;
  });
  const bytes = streams.reduce((sum, stream) => sum + stream.bytes, 0);
  return `${lines.join('')}${count(streams.length)}, ${sizeOf(bytes)}\n`;
}

/** Of columns. */
const IS_NUMBER = [false, false, true, true, true, false];
function count(streams: number): string {
  return streams === 1 ? '1 stream' : `${streams} streams`;
}

const AGES = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
] as const;

/** A clock may go back. */
function ageOf(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const [unit, size] = AGES.find(([, least]) => seconds >= least) ?? (['s', 1] as const);
  return `${Math.floor(seconds / size)} ${unit}`;
}
