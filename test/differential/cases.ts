/** Many cases at a time, and the least of those that fail. */
import fc from 'fast-check';
import type { Cell, Coverage } from './coverage.ts';
import { arbitraryQuestion, type Question, type Variety } from './requests.ts';
import type { CaseResult } from './run-case.ts';

/** Of each cell the first case is sound, so that none is left without an answer. */
const FIRST: readonly Variety[] = ['sound'];
const OTHERS: readonly Variety[] = ['sound', 'sound', 'wants', 'repository', 'fault'];

/** Processes at a time: while they work, so does this one. */
const AT_ONCE = 4;

/** A case, known by its seed, the place of its cell and its number in it. */
export interface Case {
  readonly cell: Cell;
  readonly question: Question;
  readonly arbitrary: fc.Arbitrary<Question>;
  readonly seed: number;
  readonly run: number;
}

export type RunCase = (cell: Cell, question: Question) => Promise<CaseResult>;

/** @param seed one of these and all that follow from it: the same one gives the same cases */
export function casesOf(cell: Cell, seed: number, runs: number): Case[] {
  const sample = (varieties: readonly Variety[], numRuns: number) => {
    const arbitrary = arbitraryQuestion(cell, varieties);
    const questions = numRuns > 0 ? fc.sample(arbitrary, { seed, numRuns }) : [];
    return questions.map((question, run) => ({ cell, question, arbitrary, seed, run }));
  };
  return [...sample(FIRST, 1), ...sample(OTHERS, runs - 1)];
}

/**
 * Runs cases, several at a time.
 * @throws Error with a report of the least case that fails
 */
export async function runCases(cases: readonly Case[], run: RunCase, coverage?: Coverage): Promise<void> {
  const failed: Case[] = [];
  const left = cases.values();
  const work = async () => {
    for (const one of left) {
      const { differences, answered } = await run(one.cell, one.question);
      coverage?.add(one.cell, answered);
      if (differences.length > 0) failed.push(one);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const first = cases.find((one) => failed.includes(one));
  if (first) throw new Error(`${failed.length} of ${cases.length} cases differ\n${await shrink(first, run)}`);
}

/** Makes a failing case as small as it can be, and tells of it. */
async function shrink({ cell, arbitrary, seed, run: at }: Case, run: RunCase): Promise<string> {
  const property = fc.asyncProperty(arbitrary, async (question) => {
    const { differences } = await run(cell, question);
    return differences.length === 0;
  });
  const { counterexample } = await fc.check(property, { seed, path: `${at}` });
  const { report } = await run(cell, counterexample![0]);
  return [JSON.stringify(cell), JSON.stringify(counterexample![0]), report()].join('\n');
}
