/** What is plotted against the number of objects, one plot each. */
import type { Measured } from '../compare/measure-workload.ts';
import type { Point } from './growth.ts';
import type { Plot } from './plot.ts';

export interface Metric {
  /** Without its extension. */
  readonly file: string;
  readonly title: string;
  readonly column: string;
  readonly series: readonly { readonly name: string; readonly value: (measured: Measured) => number }[];
}

/** No axis with a logarithmic scale has a place for less. */
const LEAST_MB = 1;

export const METRICS: readonly Metric[] = [
  {
    file: 'cpu',
    title: 'CPU seconds',
    column: 'CPU s',
    series: [
      { name: 'packhorse', value: ({ ours }) => ours.cpuSeconds },
      { name: 'git', value: ({ git }) => git.cpuSeconds },
    ],
  },
  {
    file: 'wall',
    title: 'wall seconds',
    column: 'wall s',
    series: [
      { name: 'packhorse', value: ({ ours }) => ours.seconds },
      { name: 'git', value: ({ git }) => git.seconds },
    ],
  },
  {
    file: 'rss',
    title: 'peak resident memory, MB',
    column: 'peak MB',
    series: [
      { name: 'packhorse', value: ({ ours }) => megabytes(ours.peak) },
      { name: 'git', value: ({ git }) => megabytes(git.peak) },
      { name: 'packhorse over idle', value: ({ growth }) => megabytes(growth) },
    ],
  },
];

/** A panel for each workload. */
export function metricPlot({ title, series }: Metric, points: readonly Point[]): Plot {
  const workloads = [...new Set(points.map(({ workload }) => workload))];
  return {
    title: `${title}, by objects in the repository`,
    panels: workloads.map((name) => ({
      title: name,
      series: series.map(({ value }) =>
        points
          .filter(({ workload }) => workload === name)
          .map(({ objects, measured }) => ({ x: objects, y: value(measured) })),
      ),
    })),
    legend: series.map(({ name }) => name),
  };
}

function megabytes(bytes: number): number {
  return Math.max(LEAST_MB, Math.round(bytes / 1e6));
}
