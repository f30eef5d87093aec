/** Generated histories, filtered by where things stand: what is sent is what git keeps of what the client lacks. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readPack, UploadPackV2 } from '../../src/index.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { arbitraryStep, importHistory } from '../support/generated-history.ts';
import { git } from '../support/git.ts';
import { encodeRequest, parseFetchAnswer } from '../support/requests.ts';

/** What git keeps of all that some commits reach. */
function kept(directory: string, tips: readonly string[], filters: readonly string[]): Set<string> {
  if (tips.length === 0) return new Set();
  const flags = filters.map((filter) => `--filter=${filter}`);
  return new Set(
    git(directory, ['rev-list', '--objects', '--no-object-names', ...flags, ...tips]).split('\n'),
  );
}

async function sent(directory: string, args: readonly string[]): Promise<Set<string>> {
  const server = new UploadPackV2(directory);
  const { pack, error } = parseFetchAnswer(await server.feed(encodeRequest('fetch', args)));
  server.close();
  expect(error).toBe('');
  return new Set(readPack(pack).map(({ oid }) => oid));
}

const PATTERNS = [
  '/a',
  'a',
  '!/d/',
  '/d/e/',
  '/*',
  '!/*/',
  'b',
  'f',
  'moved/',
  '!x?',
  'd/**/a',
  '!moved/x1?',
  '*/',
];
const arbitraryPatterns = fc.uniqueArray(fc.constantFrom(...PATTERNS), { minLength: 1, maxLength: 4 });
const arbitraryFilter = fc.oneof(
  fc.integer({ min: 1, max: 4 }).map((depth) => `tree:${depth}`),
  arbitraryPatterns.map((patterns) => patterns.join('\n')),
);
const arbitraryPicks = (minLength: number) => fc.array(fc.nat(29), { minLength, maxLength: 3 });

it('sends what git keeps', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(arbitraryStep, { minLength: 3, maxLength: 30 }),
      arbitraryPicks(1),
      fc.oneof(fc.constant([]), arbitraryPicks(1)),
      arbitraryPicks(0),
      fc.array(arbitraryFilter, { minLength: 1, maxLength: 2 }),
      fc.constantFrom([], ['-adq'], ['-adbq']),
      async (steps, wanted, named, had, specs, repack) => {
        const directory = temporaryDirectory();
        git(directory, ['init', '-q', '--bare', '.']);
        git(directory, ['config', 'uploadpack.allowFilter', 'true']);
        const { commits, trees } = importHistory(directory, steps);
        const store = (input: string) => git(directory, ['hash-object', '-w', '--stdin'], { input });
        const filters = specs.map((spec) => (spec.startsWith('tree:') ? spec : `sparse:oid=${store(spec)}`));
        if (repack.length > 0) git(directory, ['repack', ...repack]);
        const idOf = (n: number) => commits[n % commits.length];
        const wants = [...wanted.map(idOf), ...named.map((n) => trees[n % trees.length])];
        const haves = had.map(idOf);
        const lines = [...wants.map((id) => `want ${id}`), ...haves.map((id) => `have ${id}`)];
        const filter = filters.length === 1 ? filters[0] : `combine:${filters.join('+')}`;
        const got = await sent(directory, [...lines, `filter ${filter}`, 'no-progress', 'done']);

        const clientHas = kept(directory, haves, []);
        // Of an object that several parts leave out in some places and keep in others git may lose sight.
        const least = kept(directory, wants, filters);
        expect([...least].filter((oid) => !clientHas.has(oid) && !got.has(oid))).toEqual([]);
        // git forgets that a tree was named when it meets it again.
        for (const part of named.length > 0 ? [] : filters) {
          const most = kept(directory, wants, [part]);
          expect([...got].filter((oid) => !most.has(oid))).toEqual([]);
        }
      },
    ),
    { numRuns: 60 },
  );
}, 120_000);
