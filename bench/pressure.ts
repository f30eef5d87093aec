/** `pressure`: many clones at once in little memory. The limits fall, nothing is killed, and the limits recover. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { BenchOptions, Report } from './bench.ts';
import { ensureCopies } from './compare/copies.ts';
import { exitCode, GIT_ENVIRONMENT } from './git.ts';
import { followPeak } from './measure.ts';
import { makeMemoryGroup } from './memory-group.ts';
import { type Service, startService } from './service.ts';
import { openSource } from './source.ts';
import { tableReport } from './table.ts';

const LIMIT = 512 * 2 ** 20;
const CLONES = 64;
/** With so many workers memory becomes short. Where the machine is slow, all wait until they are served. */
const FLAGS = [
  '--workers',
  '4',
  '--memory-limit',
  String(LIMIT),
  '--queue-wait',
  '0',
  '--own-bitmaps',
  'off',
];
const MB = 1e6;
/** Milliseconds between two looks at the metrics. */
const INTERVAL = 500;
/** Seconds in which the limit must be what it was again. */
const RECOVERY = 300;

/** What was seen at one moment. */
interface Sample {
  /** Seconds after the clones began. */
  readonly at: number;
  /** Of the clone lane. */
  readonly limit: number;
  readonly running: number;
  readonly queued: number;
  readonly rss: number;
  readonly backOffs: number;
}

export async function pressure(options: BenchOptions): Promise<Report> {
  // Without a bitmap: what is counted by walking takes most memory.
  const source = ensureCopies(await openSource(options), options.directory).plain;
  const group = makeMemoryGroup(LIMIT);
  if (!group) process.stderr.write('no memory control group can be made here: nothing enforces the limit\n');
  const service = await startService(source.root, { ...options, flags: FLAGS, group: group?.directory });
  try {
    const peak = followPeak(service.pid);
    const { failed, seconds, samples } = await storm(service, source.name, options.directory);
    const last = samples.at(-1)!;
    const { markdown, data } = tableReport(COLUMNS, [
      [
        CLONES,
        failed,
        Math.round(seconds),
        samples[0].limit,
        Math.min(...samples.map(({ limit }) => limit)),
        last.limit,
        Math.round(last.at - seconds),
        last.backOffs,
        Math.max(...samples.map(({ queued }) => queued)),
        Math.round(peak.stop() / MB),
        group ? Math.round(group.peak() / MB) : '-',
        group ? group.kills() : '-',
      ],
    ]);
    return { markdown, data: { rows: data, samples } };
  } finally {
    await service.stop();
    group?.remove();
  }
}

const COLUMNS = [
  'clones',
  'failed',
  'seconds',
  'limit before',
  'least',
  'after',
  'seconds to recover',
  'back-offs',
  'most waiting',
  'peak RSS MB',
  'peak of group MB',
  'killed',
];

/** Clones with git, all at once, and follows the limit until it is what it was. */
async function storm(service: Service, repository: string, directory: string) {
  const start = performance.now();
  const elapsed = () => (performance.now() - start) / 1000;
  const samples = [await look(service, elapsed())];
  const before = samples[0].limit;
  let seconds = Number.POSITIVE_INFINITY;
  const clones = Array.from({ length: CLONES }, () => clone(`${service.url}/${repository}`, directory));
  const cloned = Promise.all(clones).finally(() => {
    seconds = elapsed();
  });
  while (elapsed() < seconds || (samples.at(-1)!.limit < before && elapsed() < seconds + RECOVERY)) {
    await setTimeout(INTERVAL);
    samples.push(await look(service, elapsed()));
  }
  const failed = (await cloned).filter((code) => code !== 0).length;
  return { failed, seconds, samples };
}

async function look({ metricsUrl }: Service, at: number): Promise<Sample> {
  const text = await (await fetch(`${metricsUrl}/metrics`)).text();
  const values = new Map<string, number>();
  let backOffs = 0;
  for (const line of text.split('\n')) {
    const end = line.lastIndexOf(' ');
    values.set(line.slice(0, end), Number(line.slice(end)));
    if (line.startsWith('packhorse_admission_backoff_events_total{')) backOffs += Number(line.slice(end));
  }
  const clones = (name: string) => values.get(`packhorse_admission_${name}{lane="clone"}`)!;
  return {
    at,
    limit: clones('limit'),
    running: clones('in_progress'),
    queued: clones('queued'),
    rss: values.get('process_resident_memory_bytes')!,
    backOffs,
  };
}

/** @returns git's exit code */
async function clone(url: string, directory: string): Promise<number | null> {
  const target = fs.mkdtempSync(path.join(directory, 'clone-'));
  const args = ['-c', 'pack.threads=1', 'clone', '--quiet', '--bare', url, target];
  const child = spawn('git', args, { env: GIT_ENVIRONMENT, stdio: ['ignore', 'ignore', 'inherit'] });
  const code = await exitCode(child);
  fs.rmSync(target, { recursive: true });
  return code;
}
