/** Histories for commit-graphs: any parents, any clocks. */
import fc from 'fast-check';
import { git } from './git.ts';

export interface GraphStep {
  /** Parents, as distances back from this commit. */
  readonly parents: readonly number[];
  /** Seconds that this commit's clock is wrong by. */
  readonly skew: number;
}

export const graphStep: fc.Arbitrary<GraphStep> = fc.record({
  parents: fc.uniqueArray(fc.integer({ min: 1, max: 8 }), { minLength: 0, maxLength: 5 }),
  skew: fc.oneof(
    { weight: 5, arbitrary: fc.constant(0) },
    { weight: 2, arbitrary: fc.integer({ min: -999, max: 999 }) },
    // Before 1970 would be no date at all; beyond 32 bits.
    { weight: 1, arbitrary: fc.constantFrom(-1_700_000_000, 3_000_000_000, 5_000_000_000) },
  ),
});

/** Adds commits `from` and later to a repository that has those before: commit `i` has the branch `c<i>`. */
export function importSteps(directory: string, steps: readonly GraphStep[], from = 0): void {
  const stream = steps.slice(from).map(({ parents, skew }, k) => {
    const i = from + k;
    const known = [...new Set(parents.map((back) => i - back).filter((n) => n >= 0))];
    return [
      `commit refs/heads/c${i}`,
      `mark :${i + 1}`,
      `committer C <c@example.com> ${Math.max(0, 1_700_000_000 + i * 10 + skew)} +0000`,
      `data 1\nc`,
      ...known.map(
        (n, at) => `${at === 0 ? 'from' : 'merge'} ${n < from ? `refs/heads/c${n}^0` : `:${n + 1}`}`,
      ),
      `M 100644 inline file${i % 5}`,
      `data ${String(i).length}\n${i}\n`,
    ].join('\n');
  });
  git(directory, ['-c', 'fastimport.unpackLimit=0', 'fast-import', '--quiet'], {
    input: `${stream.join('\n')}\n`,
  });
}

/** Writes a commit-graph of everything that refs reach. */
export function writeGraph(directory: string, flags: readonly string[] = [], generations = 2): void {
  git(directory, [
    '-c',
    `commitGraph.generationVersion=${generations}`,
    'commit-graph',
    'write',
    '--reachable',
    ...flags,
  ]);
}
