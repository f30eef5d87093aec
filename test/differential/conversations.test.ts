/**
 * The differential proof: made-up repositories and conversations, the same bytes to `git upload-pack` and to
 * Packhorse in this process. Some cases for each cell of the coverage table, the same ones every time:
 *
 *     PACKHORSE_DIFFERENTIAL_SEED=7   other cases: a number
 *     PACKHORSE_DIFFERENTIAL_RUNS=60  how many for each of the 504 cells
 *
 * A failure tells the seed, and the bytes of the smallest case like it that fails. What is expected where git does
 * something else stands in expectations.ts and expected-objects.ts, with the reasons in docs/differences.md.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { casesOf, runCases } from './cases.ts';
import { CELLS, Coverage, VERSIONS } from './coverage.ts';
import { arbitraryRepository, buildRepository } from './repositories.ts';
import { runCase } from './run-case.ts';
import { runsOfProof, seedOfProof } from './seed.ts';

const SEED = seedOfProof();
const RUNS = runsOfProof();
const REPOSITORIES = 48;

const root = temporaryDirectory();
const repositories = fc
  .sample(arbitraryRepository, { seed: SEED, numRuns: REPOSITORIES })
  .map((plan, i) => buildRepository(root, `${i}.git`, plan));
const coverage = new Coverage();

describe.each(VERSIONS)('version %i', (version) => {
  test.each([
    ['stateless', true],
    ['on a connection', false],
  ])(
    '%s, each with and without filters, limits and haves',
    { timeout: RUNS * 100_000 },
    async (_, stateless) => {
      const cells = [...CELLS.entries()].filter(
        ([, cell]) => cell.version === version && cell.stateless === stateless,
      );
      const cases = cells.flatMap(([i, cell]) => casesOf(cell, SEED + i, RUNS));
      try {
        await runCases(cases, (cell, question) => runCase(cell, question, repositories), coverage);
      } catch (error) {
        throw new Error(`seed ${SEED}: ${(error as Error).message}`);
      }
    },
  );
});

test('every cell of the table has a case that git answers', () => {
  console.log(`seed ${SEED}\n${coverage}`);
  expect(coverage.empty).toEqual([]);
  expect(coverage.cases).toBe(CELLS.length * RUNS);
});
