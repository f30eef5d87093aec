/** Results as Markdown tables. */
import { type Cell, table } from '../table.ts';
import type { Facts } from './facts.ts';
import type { Cost, Failed, Measured, Result } from './measure-workload.ts';
import { GROWTH_COUNTS_FROM, GROWTH_TARGET } from './workload.ts';

const SPEED_COLUMNS = [
  'workload',
  'CPU s',
  'git',
  'ratio',
  'target',
  'met',
  'wall s',
  'git',
  'ratio',
  'target',
  'met',
];
const SIZE_COLUMNS = [
  'workload',
  'objects',
  'bytes',
  'git',
  'ratio',
  'target',
  'met',
  'peak MB',
  'growth MB',
  'git peak MB',
  'ratio',
  'target',
  'met',
];

export function factsTable(facts: Facts): string {
  const { chains } = facts;
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const histogram = chains.histogram.map(({ upTo, objects }, i, all) => {
    const from = i === 0 ? 1 : all[i - 1].upTo + 1;
    return `${from === upTo ? from : upTo === Number.POSITIVE_INFINITY ? `${from}+` : `${from}–${upTo}`}: ${objects}`;
  });
  return table(
    ['the repository', 'without its bitmap'],
    [
      ['objects', String(facts.objects)],
      ['commits, trees, blobs, tags', [facts.commits, facts.trees, facts.blobs, facts.tags].join(', ')],
      ['packs', `${facts.packs}, ${(facts.packBytes / 1e6).toFixed(1)} MB`],
      ['stored as deltas', percent(facts.deltaShare)],
      ['length of their chains', `median ${chains.median}, longest ${chains.longest}`],
      ['deltas by length of chain', histogram.join(', ')],
      ['outside the largest pack', percent(facts.outsideLargestPack)],
      ['commit-graph', facts.commitGraph ? 'yes' : 'no'],
    ],
  );
}

/** Speed, then bytes and memory; then what could not be measured, and why. */
export function resultTables(results: readonly Result[]): string {
  const measured = results.filter((result): result is Measured => !('error' in result));
  const failed = results.filter((result): result is Failed => 'error' in result);
  const parts = [
    table(SPEED_COLUMNS, results.map(speedRow)),
    ...(measured.length > 0 ? [table(SIZE_COLUMNS, measured.map(sizeRow))] : []),
    ...(failed.length > 0 ? [failed.map(({ name, error }) => `- ${name}: ${error}`).join('\n')] : []),
  ];
  return parts.join('\n\n');
}

function speedRow(result: Result): Cell[] {
  if ('error' in result) return [result.name, 'error', ...Array(9).fill('')];
  return [result.name, ...judged(result, 'cpuSeconds'), ...judged(result, 'seconds')];
}

function sizeRow(result: Measured): Cell[] {
  const { name, objects, ours, growth, git } = result;
  const ratio = growth / git.peak;
  const counts = git.peak > GROWTH_COUNTS_FROM;
  return [
    name,
    objects === 0 ? '-' : objects,
    ...judged(result, 'bytes'),
    megabytes(ours.peak),
    megabytes(growth),
    megabytes(git.peak),
    ratio.toFixed(2),
    ...(counts ? [GROWTH_TARGET.toFixed(2), ratio <= GROWTH_TARGET] : ['-', '-']),
  ];
}

/** The service's number and git's, their ratio, the target, and whether it is met. */
function judged({ ours, git, targets }: Measured, key: Exclude<keyof Cost, 'peak'>): Cell[] {
  const ratio = ours[key] / git[key];
  const target = targets?.[key];
  const judgement = target === undefined ? ['-', '-'] : [target.toFixed(2), ratio <= target];
  return [ours[key], git[key], ratio.toFixed(key === 'bytes' ? 3 : 2), ...judgement];
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6);
}
