/** A part of the differential proof with the executable: what comes out of it, its exit code, what it says of failures. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { buildExecutable } from '../support/executable.ts';
import { casesOf, runCases } from './cases.ts';
import { CELLS, Coverage } from './coverage.ts';
import { runUploadPack } from './judge.ts';
import { arbitraryRepository, buildRepository } from './repositories.ts';
import { type Ask, runCase } from './run-case.ts';
import { seedOfProof } from './seed.ts';

const CELLS_ASKED = 150;
const RUNS = 2;
/** Has no divisor in common with the number of cells, so that it leads to all kinds of them. */
const STRIDE = 5;

test('300 conversations with packhorse upload-pack', { timeout: 600_000 }, async () => {
  // Other cases than those of the proof in one process.
  const seed = seedOfProof() + CELLS.length;
  const root = temporaryDirectory();
  const repositories = fc
    .sample(arbitraryRepository, { seed, numRuns: 24 })
    .map((plan, i) => buildRepository(root, `${i}.git`, plan));
  const executable = buildExecutable();
  const ask: Ask = (directory, door, bytes) =>
    runUploadPack([process.execPath, executable, 'upload-pack'], directory, door, bytes);
  const coverage = new Coverage();
  const cases = Array.from({ length: CELLS_ASKED }, (_, i) => (i * STRIDE) % CELLS.length).flatMap((i) =>
    casesOf(CELLS[i], seed + i, RUNS),
  );
  await runCases(cases, (cell, question) => runCase(cell, question, repositories, ask), coverage);
  expect(coverage.cases).toBe(CELLS_ASKED * RUNS);
});
