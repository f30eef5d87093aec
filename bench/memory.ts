/** `memory`: growth of the service's RSS over idle during a clone. */
import type { BenchOptions, Report } from './bench.ts';
import type { FetchOptions } from './client.ts';
import { measureGrowth } from './memory-growth.ts';
import { ensureRepository, type RepositoryName } from './repositories.ts';
import { startService } from './service.ts';
import { tableReport } from './table.ts';

/** Bytes: megabytes here are decimal, as the pack sizes beside them are. */
const MB = 1e6;

/** `target`: the most it may grow, in MB. */
const CASES: readonly { name: string; repository: RepositoryName; target: number }[] = [
  { name: '1,445 objects', repository: 'many-blobs', target: 64 },
  { name: '1 GiB blob, packed', repository: 'packed-blob', target: 64 },
  { name: '1 GiB blob, loose', repository: 'loose-blob', target: 64 },
  { name: '400,000 objects', repository: 'history', target: 96 },
];

/** The slow one hangs up when it has been seen for long enough: the whole of 1 GiB would take it 18 minutes. */
const CLIENTS: readonly { name: string; options: FetchOptions }[] = [
  { name: 'full speed', options: {} },
  { name: '1 MB/s, 30 s', options: { bytesPerSecond: 1e6, hangUpAfter: 30 } },
];

const COLUMNS = [
  'case',
  'client',
  'pack bytes',
  'objects',
  'seconds',
  'idle MB',
  'growth MB',
  'target MB',
  'met',
];

export async function memory({ directory, nodeFlags }: BenchOptions): Promise<Report> {
  const warmUp = await ensureRepository(directory, 'tiny');
  const rows = [];
  for (const { name, repository, target } of CASES) {
    const file = await ensureRepository(directory, repository);
    for (const client of CLIENTS) {
      const service = await startService(directory, { nodeFlags });
      const { pid, url } = service;
      const { clone, idle, growth } = await measureGrowth({
        pid,
        url,
        warmUp,
        repository: file,
        ...client.options,
      });
      await service.stop();
      const { packBytes, objects, seconds } = clone;
      const mb = Math.round(growth / MB);
      process.stderr.write(`${name}, ${client.name}: ${mb} MB\n`);
      rows.push([
        name,
        client.name,
        packBytes,
        objects,
        seconds,
        Math.round(idle / MB),
        mb,
        target,
        mb <= target,
      ]);
    }
  }
  return tableReport(COLUMNS, rows);
}
