/** The service and git on the same request: in turn, several times, and the medians of it. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { BenchOptions } from '../bench.ts';
import { GitClient } from '../client.ts';
import { median, residentBytes } from '../measure.ts';
import { ensureRepository } from '../repositories.ts';
import { type Service, startService } from '../service.ts';
import { type Ask, type Checked, checkAnswer } from './check.ts';
import { buildOwnBitmap } from './own-bitmap.ts';
import { askService, type Sample, sampleGit, sampleService } from './samples.ts';
import type { Targets, Workload } from './workload.ts';

export interface Cost extends Sample {
  /** Of the pack, or of the whole response where there is none. */
  readonly bytes: number;
}

export interface Measured {
  readonly name: string;
  readonly targets: Targets | undefined;
  /** In the service's pack. */
  readonly objects: number;
  readonly ours: Cost;
  /** Resident bytes of the idle service, after one tiny clone, and how far the peak lay above them. */
  readonly idle: number;
  readonly growth: number;
  readonly gits: readonly { readonly name: string; readonly cost: Cost }[];
  /** Of each of git's numbers the smallest. */
  readonly git: Cost;
}

export interface Failed {
  readonly name: string;
  readonly error: string;
}

export type Result = Measured | Failed;

type Options = Pick<BenchOptions, 'directory' | 'runs' | 'nodeFlags'>;

/** A workload that the service cannot answer is a result as well. */
export async function measureWorkload(
  workload: Workload,
  options: Options,
  check = checkAnswer,
): Promise<Result> {
  process.stderr.write(`${workload.name}\n`);
  const flags = ['--own-bitmaps', workload.ownBitmap ? 'on' : 'off'];
  const service = await startService(options.directory, { nodeFlags: options.nodeFlags, flags });
  try {
    return await measure(service, workload, options, check);
  } catch (error) {
    const { message } = error as Error;
    process.stderr.write(`  ${message}\n`);
    // What git died of says more than which command that was.
    const [line] = /^fatal: .*/m.exec(message) ?? message.split('\n');
    return { name: workload.name, error: line };
  } finally {
    await service.stop();
  }
}

async function measure(
  service: Service,
  workload: Workload,
  options: Options,
  check: typeof checkAnswer,
): Promise<Measured> {
  await cloneTiny(service, options.directory);
  const idle = residentBytes(service.pid);
  const ask: Ask = (onBytes) => askService(service, workload, onBytes);
  if (workload.ownBitmap) await buildOwnBitmap(service, ask);
  const answers = await check(workload, options.directory, ask);
  const { ours, gits } = await takeSamples(service, workload, answers, options.runs);
  const cost = medians(ours, answers.ours.bytes);
  const costs = gits.map((samples, i) => medians(samples, answers.gits[i].bytes));
  return {
    name: workload.name,
    targets: workload.targets,
    objects: answers.ours.objects,
    ours: cost,
    idle,
    growth: cost.peak - idle,
    gits: costs.map((each, i) => ({ name: workload.gits[i].name, cost: each })),
    git: smallest(costs),
  };
}

async function takeSamples(service: Service, workload: Workload, { ours }: Checked, runs: number) {
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'packhorse-request-'));
  try {
    const file = path.join(scratch, 'request');
    fs.writeFileSync(file, workload.request);
    const { directory } = workload.repository;
    const sample = (config: readonly string[], like?: Sample) => sampleGit({ directory, config }, file, like);
    // The first of each, in which files are read for the first time and code is compiled, does not count.
    const first = [];
    for (const { config } of workload.gits) first.push(await sample(config));
    await sampleService(service, workload, ours.bytes);
    const samples = { ours: [] as Sample[], gits: workload.gits.map((): Sample[] => []) };
    for (let run = 0; run < runs; run++) {
      samples.ours.push(await sampleService(service, workload, ours.bytes));
      for (const [i, { config }] of workload.gits.entries()) {
        samples.gits[i].push(await sample(config, first[i]));
      }
      log(run, [samples.ours, ...samples.gits]);
    }
    return samples;
  } finally {
    fs.rmSync(scratch, { recursive: true });
  }
}

async function cloneTiny(service: Service, directory: string): Promise<void> {
  const client = new GitClient(`${service.url}/${await ensureRepository(directory, 'tiny')}`);
  await client.clone();
  client.close();
}

function log(run: number, samples: readonly Sample[][]): void {
  const texts = samples.map((each) => {
    const { seconds, cpuSeconds, peak } = each[run];
    return `${seconds.toFixed(4)} s, CPU ${cpuSeconds.toFixed(4)} s, ${Math.round(peak / 1e6)} MB`;
  });
  process.stderr.write(`  ${texts.join(' | git ')}\n`);
}

function medians(samples: readonly Sample[], bytes: number): Cost {
  const of = (key: keyof Sample) => median(samples.map((each) => each[key]));
  return { seconds: of('seconds'), cpuSeconds: of('cpuSeconds'), peak: of('peak'), bytes };
}

function smallest(costs: readonly Cost[]): Cost {
  const of = (key: keyof Cost) => Math.min(...costs.map((cost) => cost[key]));
  return { seconds: of('seconds'), cpuSeconds: of('cpuSeconds'), peak: of('peak'), bytes: of('bytes') };
}
