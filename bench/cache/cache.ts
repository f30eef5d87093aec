/** `cache`: what it costs to send a pack again, to many at once, and one that shares its objects with the one before. */
import type { BenchOptions, Report } from '../bench.ts';
import { type Copies, ensureCopies } from '../compare/copies.ts';
import { sampleGit } from '../compare/samples.ts';
import { git } from '../git.ts';
import { median } from '../measure.ts';
import { encodeFetch } from '../request.ts';
import { openSource, type Source } from '../source.ts';
import { tableReport } from '../table.ts';
import { type Asked, Requests } from './requests.ts';

/** How often the same clone is asked for again. */
const HITS = 5;
/** Clones at the same time. */
const AT_ONCE = 8;
/** First parents of the branch that are cloned one after the other at depth 1. */
const SUCCESSIVE = 6;

type Row = readonly [name: string, ours: number, other: number, target: number];

export async function cache(options: BenchOptions): Promise<Report> {
  const copies = ensureCopies(await openSource(options), options.directory);
  const rows = [
    ...(await again(copies.bitmap, options, 'first')),
    ...(await again(copies.plain, options, 'git')),
    ...(await atOnce(copies, options)),
    ...(await successive(copies, options)),
  ];
  return tableReport(
    ['workload', 'measured', 'against', 'ratio', 'target', 'met'],
    rows.map(([name, ours, other, target]) => {
      const ratio = ours / other;
      return [name, ours, other, ratio, target, ratio <= target];
    }),
  );
}

/** The same clone again: against the first one where there is a bitmap, against git where there is none. */
async function again(source: Source, options: BenchOptions, against: 'first' | 'git'): Promise<Row[]> {
  const request = cloneOf(source);
  const firsts: number[] = [];
  const hits: Asked[] = [];
  for (let run = 0; run < options.runs; run++) {
    // Kept from the first request on, by a process that has compiled its code.
    await Requests.with(source, { ...options, flags: ['--cache-min-uses', '2'] }, async (requests) => {
      await requests.send(request);
      firsts.push((await requests.measure(request, 'miss')).cpuSeconds);
      for (let n = 0; n < HITS; n++) hits.push(await requests.measure(request, 'hit'));
    });
  }
  const ours = median(hits.map(({ cpuSeconds }) => cpuSeconds));
  const name = `second clone, ${against === 'first' ? 'bitmap: CPU s against the first' : 'no bitmap: CPU s against git'}`;
  const other = against === 'first' ? median(firsts) : await cpuOfGit(source, request, options.runs);
  return [
    [name, ours, other, against === 'first' ? 0.6 : 0.08],
    [
      `${name.slice(0, name.indexOf(':'))}: first byte of a hit, ms against 10 ms`,
      median(hits.map(({ firstByte }) => firstByte)),
      10,
      1,
    ],
  ];
}

/** Clones at once without a bitmap, against one: both by a service that has made a tiny pack before. */
async function atOnce({ plain }: Copies, options: BenchOptions): Promise<Row[]> {
  const request = cloneOf(plain);
  const one: number[] = [];
  const all: number[] = [];
  for (let run = 0; run < options.runs; run++) {
    await Requests.with(plain, { ...options, flags: ['--cache-size', '0'] }, async (requests) => {
      await requests.warmUp();
      one.push((await requests.measure(request, undefined)).cpuSeconds);
    });
    await Requests.with(plain, { ...options, flags: [] }, async (requests) => {
      await requests.warmUp();
      all.push(await requests.cpuOf(() => requests.send(request, AT_ONCE)));
    });
  }
  return [[`${AT_ONCE} clones at once, no bitmap: CPU s against one`, median(all), median(one), 2]];
}

/** Depth-1 clones of commits that follow each other. */
async function successive({ plain }: Copies, options: BenchOptions): Promise<Row[]> {
  const tips = git(plain.directory, 'rev-list', '--first-parent', `--max-count=${SUCCESSIVE}`, 'HEAD')
    .split('\n')
    .reverse();
  const requests = tips.map((tip) => encodeFetch({ wants: [tip], haves: [], depth: 1 }, plain.format));
  const [last] = requests.slice(-1);
  const ours: number[] = [];
  for (let run = 0; run < options.runs; run++) {
    await Requests.with(plain, { ...options, flags: [] }, async (service) => {
      await service.send(requests[0]);
      for (const request of requests.slice(1)) ours.push((await service.measure(request, 'miss')).cpuSeconds);
    });
  }
  const other = await cpuOfGit(plain, last, options.runs);
  return [['depth 1 of the next commit: CPU s against git', median(ours), other, 0.06]];
}

function cloneOf({ directory, format }: Source): Buffer {
  const refs = git(directory, 'for-each-ref', '--format=%(objectname)', 'refs/heads/', 'refs/tags/');
  return encodeFetch({ wants: [...new Set(refs.split('\n'))], haves: [] }, format);
}

async function cpuOfGit(source: Source, request: Buffer, runs: number): Promise<number> {
  const samples: number[] = [];
  await Requests.inFile(request, async (file) => {
    for (let run = 0; run < runs; run++) {
      const { cpuSeconds } = await sampleGit({ directory: source.directory, config: [] }, file, undefined);
      samples.push(cpuSeconds);
    }
  });
  return median(samples);
}
