/** `growth`: how the cost of clones and of a small fetch follows the number of objects. */
import fs from 'node:fs';
import path from 'node:path';
import type { BenchOptions, Report } from '../bench.ts';
import { countAnswer } from '../compare/check.ts';
import { ensureCopies } from '../compare/copies.ts';
import { type Measured, measureWorkload } from '../compare/measure-workload.ts';
import { CLONE_BITMAP, CLONE_NO_BITMAP, repositoryWorkloads } from '../compare/workloads.ts';
import { ensureHistory } from '../repositories.ts';
import { sourceAt } from '../source.ts';
import { table } from '../table.ts';
import { METRICS, metricPlot } from './metrics.ts';
import { plotSvg } from './plot.ts';

/** They come to 100 thousand, 1 million and 4 million objects. */
export const GROWTH_COMMITS: readonly number[] = [16_250, 198_200, 804_500];
const WORKLOADS = [CLONE_BITMAP, CLONE_NO_BITMAP, '10 behind, bitmap'];

/** What one workload cost on the repository of one size. */
export interface Point {
  readonly workload: string;
  /** In the whole repository. */
  readonly objects: number;
  readonly measured: Measured;
}

export async function growth(options: BenchOptions): Promise<Report> {
  const points: Point[] = [];
  const sizes = options.commits.length > 0 ? options.commits : GROWTH_COMMITS;
  for (const commits of sizes) points.push(...(await measureSize(commits, options)));
  fs.mkdirSync(options.plots, { recursive: true });
  for (const metric of METRICS) {
    fs.writeFileSync(path.join(options.plots, `${metric.file}.svg`), plotSvg(metricPlot(metric, points)));
  }
  return { markdown: `${costs(points)}\n\n${exponents(points)}`, data: points };
}

async function measureSize(commits: number, options: BenchOptions): Promise<Point[]> {
  const name = await ensureHistory(options.directory, commits);
  const copies = ensureCopies(sourceAt(path.join(options.directory, name)), options.directory);
  const workloads = repositoryWorkloads(copies).filter(
    (workload) => WORKLOADS.includes(workload.name) && workload.name.includes(options.only),
  );
  const points: Point[] = [];
  let objects = 0;
  for (const workload of workloads) {
    process.stderr.write(`${commits} commits, `);
    const result = await measureWorkload(workload, options, countAnswer);
    if ('error' in result) throw new Error(`${workload.name}, ${commits} commits: ${result.error}`);
    // A clone has them all: every object of the history is reachable.
    objects = Math.max(objects, result.objects);
    points.push({ workload: workload.name, objects, measured: result });
  }
  return points.map((point) => ({ ...point, objects }));
}

function costs(points: readonly Point[]): string {
  const columns = METRICS.flatMap(({ column, series }) => series.map(({ name }) => `${name}, ${column}`));
  const rows = points.map(({ workload, objects, measured }) => [
    workload,
    objects,
    ...METRICS.flatMap(({ series }) => series.map(({ value }) => value(measured))),
  ]);
  return table(['workload', 'objects', ...columns], rows);
}

/** The power of the number of objects by which each cost grew from the smallest to the largest: 1 is linear. */
function exponents(points: readonly Point[]): string {
  const columns = METRICS.flatMap(({ column, series }) => series.map(({ name }) => `${name}, ${column}`));
  const names = [...new Set(points.map(({ workload }) => workload))];
  const rows = names.map((name) => {
    const own = points.filter(({ workload }) => workload === name);
    const [first, last] = [own[0], own[own.length - 1]];
    const times = Math.log(last.objects / first.objects);
    return [
      name,
      ...METRICS.flatMap(({ series }) =>
        series.map(({ value }) =>
          (Math.log(value(last.measured) / value(first.measured)) / times).toFixed(2),
        ),
      ),
    ];
  });
  return `Grows with the number of objects to the power of:\n\n${table(['workload', ...columns], rows)}`;
}
