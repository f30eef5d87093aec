/** The service and `git upload-pack` on the same requests: in turn, several times, and the medians of it. */
import type { BenchOptions } from './bench.ts';
import { GitClient } from './client.ts';
import { cpuSeconds, followPeak, median } from './measure.ts';
import { FetchResponse } from './response.ts';
import { startService } from './service.ts';
import type { Source } from './source.ts';
import { type Cell, table } from './table.ts';
import { uploadPack } from './upload-pack.ts';

export interface Case {
  readonly name: string;
  readonly request: Buffer;
  /** Whether the response carries a pack. */
  readonly pack: boolean;
  /** Whether git could answer it from a bitmap, where there is one. */
  readonly bitmap: boolean;
}

/** What one request costs the server: seconds, the most resident bytes of all its processes; and what it sent. */
interface Cost {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peak: number;
  /** Of the pack, or of the response where there is none. */
  readonly bytes: number;
  readonly objects: number;
}

interface Server {
  readonly name: string;
  /** Whether it takes part in a case. */
  readonly answers: (each: Case) => boolean;
  readonly measure: (each: Case) => Promise<Cost>;
}

/**
 * Seconds. Short requests are made again and again for so long, one after the other, and the mean is what counts: CPU
 * time is known to 10 ms only.
 */
const LEAST_SECONDS = 1;

const COLUMNS = [
  'request',
  'server',
  'wall s',
  'CPU s',
  'peak RSS MB',
  'bytes',
  'objects',
  'wall ratio',
  'CPU ratio',
  'bytes ratio',
];

/** Ratios stand in git's rows: the service's number by git's. */
export async function compare(
  source: Source,
  cases: readonly Case[],
  { runs, nodeFlags }: BenchOptions,
): Promise<string> {
  const service = await startService(source.root, nodeFlags);
  const client = new GitClient(`${service.url}/${source.name}`, source.format);
  const servers: Server[] = [
    {
      name: 'packhorse',
      answers: () => true,
      measure: (each) => measureService(service.pid, client, source.format, each),
    },
    gitServer(source, 'git', ['pack.useBitmaps=false'], () => true),
  ];
  if (source.hasBitmap) servers.push(gitServer(source, 'git, bitmap', [], ({ bitmap }) => bitmap));
  try {
    return await measureAll(cases, servers, runs);
  } finally {
    client.close();
    await service.stop();
  }
}

function gitServer(
  { directory, format }: Source,
  name: string,
  config: readonly string[],
  answers: Server['answers'],
): Server {
  return {
    name,
    answers,
    measure: (each) => repeat(format, each, (read) => uploadPack(directory, config, each.request, read)),
  };
}

/** CPU over all of the requests: a short one is less than a tick of the clock. */
async function measureService(pid: number, client: GitClient, format: string, each: Case): Promise<Cost> {
  const follower = followPeak(pid);
  const before = cpuSeconds(pid);
  let requests = 0;
  const { seconds, bytes, objects } = await repeat(format, each, async (read) => {
    requests++;
    await client.post(each.request, read);
    return { cpuSeconds: 0, peak: 0 };
  });
  const peak = follower.stop();
  return { seconds, bytes, objects, peak, cpuSeconds: (cpuSeconds(pid) - before) / requests };
}

type Answer = (read: (bytes: Buffer) => void) => Promise<Pick<Cost, 'cpuSeconds' | 'peak'>>;

/** Means of the seconds, and the highest peak, of as many requests as it takes. */
async function repeat(format: string, { pack }: Case, answer: Answer): Promise<Cost> {
  const start = performance.now();
  let cpu = 0;
  let peak = 0;
  for (let requests = 1; ; requests++) {
    const response = pack ? new FetchResponse(format) : undefined;
    let bytes = 0;
    const cost = await answer((piece) => {
      bytes += piece.length;
      response?.push(piece);
    });
    response?.end();
    cpu += cost.cpuSeconds;
    peak = Math.max(peak, cost.peak);
    const seconds = (performance.now() - start) / 1000;
    if (seconds < LEAST_SECONDS) continue;
    return {
      seconds: seconds / requests,
      cpuSeconds: cpu / requests,
      peak,
      bytes: response?.packBytes ?? bytes,
      objects: response?.objects ?? 0,
    };
  }
}

/** The first round, in which files are read for the first time and code is compiled, does not count. */
async function measureAll(cases: readonly Case[], servers: readonly Server[], runs: number): Promise<string> {
  const costs = new Map<string, Cost[]>();
  for (let run = 0; run <= runs; run++) {
    for (const each of cases) {
      for (const server of servers.filter(({ answers }) => answers(each))) {
        const cost = await server.measure(each);
        const { seconds, cpuSeconds } = cost;
        const key = `${each.name}, ${server.name}`;
        process.stderr.write(`${run} ${key}: ${seconds.toFixed(4)} s, CPU ${cpuSeconds.toFixed(4)} s\n`);
        if (run > 0) costs.set(key, [...(costs.get(key) ?? []), cost]);
      }
    }
  }
  const rows = cases.flatMap((each) => {
    const [ours, ...gits] = servers
      .filter(({ answers }) => answers(each))
      .map(({ name }) => ({ name, cost: medians(costs.get(`${each.name}, ${name}`)!) }));
    return [
      [each.name, ours.name, ...cells(each, ours.cost), '', '', ''],
      ...gits.map(({ name, cost }) => [each.name, name, ...cells(each, cost), ...ratios(ours.cost, cost)]),
    ];
  });
  return table(COLUMNS, rows);
}

function medians(costs: readonly Cost[]): Cost {
  const of = (key: keyof Cost) => median(costs.map((cost) => cost[key]));
  return {
    seconds: of('seconds'),
    cpuSeconds: of('cpuSeconds'),
    peak: of('peak'),
    bytes: of('bytes'),
    objects: of('objects'),
  };
}

function cells({ pack }: Case, { seconds, cpuSeconds, peak, bytes, objects }: Cost): Cell[] {
  return [seconds, cpuSeconds, Math.round(peak / 1e6), Math.round(bytes), pack ? objects : '-'];
}

function ratios(ours: Cost, git: Cost): string[] {
  return (['seconds', 'cpuSeconds', 'bytes'] as const).map((key) => (ours[key] / git[key]).toFixed(2));
}
