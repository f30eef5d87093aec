/** Advertisements and lists of refs of made-up repositories: the same as those of `git upload-pack`. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { DELIM, FLUSH, pkt } from '../support/requests.ts';
import { arbitraryRepository, buildRepository } from './repositories.ts';
import { runBytes } from './run-case.ts';
import { seedOfProof } from './seed.ts';

const LISTS = 10;

const root = temporaryDirectory();
const repositories = fc
  .sample(arbitraryRepository, { seed: seedOfProof(), numRuns: 24 })
  .map((plan, i) => buildRepository(root, `${i}.git`, plan));

test.each([0, 1, 2] as const)('advertisement of version %i', async (version) => {
  for (const repository of repositories) {
    for (const door of [
      { version, stateless: true, advertise: true },
      { version, stateless: false },
    ]) {
      const { differences, report } = await runBytes(door, Buffer.from(FLUSH), repository);
      expect(differences, report()).toEqual([]);
    }
  }
});

const PREFIXES = [
  'HEAD',
  'H',
  'refs/',
  'refs/heads/',
  'refs/heads/c1',
  'refs/tags/t',
  'refs/hidden',
  'refs/none',
  '',
];

test('ls-refs', async () => {
  const args = fc
    .tuple(
      fc.subarray(['peel', 'symrefs', 'unborn']),
      fc.array(
        fc.constantFrom(...PREFIXES).map((prefix) => `ref-prefix ${prefix}`),
        { maxLength: 3 },
      ),
    )
    .map((parts) => parts.flat());
  const repository = fc.nat(repositories.length - 1);
  const list = fc.asyncProperty(repository, args, fc.boolean(), async (which, lines, stateless) => {
    const head = ['command=ls-refs', 'object-format=sha1'].map((line) => pkt(`${line}\n`));
    const request = [...head, DELIM, ...lines.map((line) => pkt(`${line}\n`)), FLUSH];
    const bytes = Buffer.from(request.join(''));
    const { differences, report } = await runBytes({ version: 2, stateless }, bytes, repositories[which]);
    expect(differences, report()).toEqual([]);
  });
  await fc.assert(list, { seed: seedOfProof(), numRuns: LISTS * repositories.length });
});
