/** `stalled`: what many clones of clients that read slowly cost the service, and what they cost a fast one. */
import type { BenchOptions, Report } from './bench.ts';
import { GitClient } from './client.ts';
import { ensureCopies } from './compare/copies.ts';
import { followPeak, median, residentBytes } from './measure.ts';
import { ensureRepository } from './repositories.ts';
import type { FetchQuery } from './request.ts';
import { type Service, startService } from './service.ts';
import { startSlowClients } from './slow-clients.ts';
import { openSource, type Source } from './source.ts';
import { tableReport } from './table.ts';

const MB = 1e6;
/** The most resident memory that the service may have, in MB. */
const TARGET = 500;
/** Seconds for which all of them are watched, once each has some of its pack. */
const WATCHED = 20;

const COLUMNS = [
  'repository',
  'pack bytes',
  'clients',
  'idle MB',
  'after clones MB',
  'all streaming MB',
  'peak MB',
  'target MB',
  'met',
  'in flight MB',
  'KB a client besides',
  'seconds until all stream',
  'fast clone s',
  'beside them s',
];

export async function stalled(options: BenchOptions): Promise<Report> {
  await ensureRepository(options.directory, 'tiny');
  const { bitmap, plain } = ensureCopies(await openSource(options), options.directory);
  const rows = [];
  for (const [name, source] of Object.entries({ 'with bitmap': bitmap, 'no bitmap': plain })) {
    if (!name.includes(options.only)) continue;
    rows.push([name, ...(await measure(source, options))]);
  }
  return tableReport(COLUMNS, rows);
}

async function measure(source: Source, options: BenchOptions) {
  const { clients, runs, nodeFlags, serveFlags } = options;
  const flags = ['--own-bitmaps', 'off', ...serveFlags];
  const service = await startService(source.root, { nodeFlags, flags });
  const tiny = new GitClient(`${service.url}/${await ensureRepository(options.directory, 'tiny')}`);
  const url = `${service.url}/${source.name}`;
  const fast = new GitClient(url, source.format);
  try {
    await tiny.clone();
    const idle = residentBytes(service.pid);
    const wants = [...new Set((await fast.lsRefs()).map(({ oid }) => oid))];
    const query: FetchQuery = { wants, haves: [] };
    // The first one loads indexes and looks at every entry.
    const { packBytes } = await fast.fetch(query);
    const alone = await medianSeconds(fast, query, runs);
    const after = residentBytes(service.pid);

    const peak = followPeak(service.pid);
    const start = performance.now();
    const { format } = source;
    const slow = await startSlowClients(url, query, { ...options, format });
    const begun = (performance.now() - start) / 1000;
    const { resident, inflight } = await watch(service);
    const beside = await medianSeconds(fast, query, runs);
    await slow.hangUp();
    const most = peak.stop();
    return [
      packBytes,
      clients,
      ...[idle, after, resident, most].map((bytes) => Math.round(bytes / MB)),
      TARGET,
      most <= TARGET * MB,
      Math.round(inflight / MB),
      Math.round((resident - after - inflight) / clients / 1000),
      begun,
      alone,
      beside,
    ];
  } finally {
    tiny.close();
    fast.close();
    await service.stop();
  }
}

async function medianSeconds(client: GitClient, query: FetchQuery, runs: number): Promise<number> {
  const seconds: number[] = [];
  for (let run = 0; run < runs; run++) seconds.push((await client.fetch(query)).seconds);
  return median(seconds);
}

/** Medians of resident memory and of what is in flight, a second apart. */
async function watch(service: Service): Promise<{ resident: number; inflight: number }> {
  const resident: number[] = [];
  const inflight: number[] = [];
  for (let second = 0; second < WATCHED; second++) {
    await new Promise((resume) => setTimeout(resume, 1000));
    resident.push(residentBytes(service.pid));
    inflight.push(await service.metric('packhorse_stream_inflight_bytes'));
  }
  return { resident: median(resident), inflight: median(inflight) };
}
