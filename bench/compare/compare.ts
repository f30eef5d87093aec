/** `compare`: the service against `git upload-pack`, on one repository and on some that are always the same. */
import type { BenchOptions, Report } from '../bench.ts';
import { openSource } from '../source.ts';
import { ensureCopies } from './copies.ts';
import { type Facts, readFacts } from './facts.ts';
import { fixedWorkloads } from './fixed-workloads.ts';
import { measureWorkload, type Result } from './measure-workload.ts';
import { factsTable, resultTables } from './report.ts';
import type { Workload } from './workload.ts';
import { repositoryWorkloads } from './workloads.ts';

export async function compare(options: BenchOptions): Promise<Report> {
  const source = await openSource(options);
  const copies = ensureCopies(source, options.directory);
  const facts = await readFacts(copies.plain.directory);
  const own = await measureAll(repositoryWorkloads(copies), options);
  const fixed = await measureAll(await fixedWorkloads(options.directory), options);
  const packed = copies.repacked ? ' With a bitmap: packed anew by `git repack -adb`.' : '';
  const markdown = [
    `### ${source.name}\n\n${facts.refs} refs.${packed}\n\n${factsTable(facts)}`,
    own.length > 0 ? resultTables(own) : '',
    fixed.length > 0 ? `### Generated repositories\n\n${resultTables(fixed)}` : '',
  ];
  const data: Compared = { repository: source.name, facts, results: own, fixed };
  return { markdown: markdown.filter((part) => part !== '').join('\n\n'), data };
}

export interface Compared {
  readonly repository: string;
  readonly facts: Facts;
  readonly results: readonly Result[];
  /** On the generated repositories. */
  readonly fixed: readonly Result[];
}

async function measureAll(workloads: readonly Workload[], options: BenchOptions): Promise<Result[]> {
  const results: Result[] = [];
  for (const workload of workloads.filter(({ name }) => name.includes(options.only))) {
    results.push(await measureWorkload(workload, options));
  }
  return results;
}
