/** Generated histories: what is sent is all that the client lacks, and nothing that was not asked for. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readPack, UploadPackV2 } from '../../src/index.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { arbitraryStep, importHistory } from '../support/generated-history.ts';
import { git, gitBytes } from '../support/git.ts';
import { encodeRequest, parseFetchAnswer } from '../support/requests.ts';

function reachable(directory: string, tips: readonly string[]): Set<string> {
  if (tips.length === 0) return new Set();
  return new Set(git(directory, ['rev-list', '--objects', '--no-object-names', ...tips]).split('\n'));
}

it('sends what the client lacks, in thin packs too', async () => {
  const picks = fc.array(fc.nat(29), { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(arbitraryStep, { minLength: 3, maxLength: 30 }),
      picks,
      fc.array(fc.nat(29), { maxLength: 3 }),
      fc.boolean(),
      fc.boolean(),
      async (steps, wanted, had, thin, repack) => {
        const directory = temporaryDirectory();
        git(directory, ['init', '-q', '--bare', '.']);
        const { commits } = importHistory(directory, steps);
        if (repack) git(directory, ['repack', '-q', '-adf', '--depth=10']);
        const idOf = (n: number) => commits[n % commits.length];
        const wants = wanted.map(idOf);
        const haves = had.map(idOf);
        const args = [
          ...wants.map((id) => `want ${id}`),
          ...haves.map((id) => `have ${id}`),
          'no-progress',
          'done',
        ];
        if (thin) args.push('thin-pack', 'ofs-delta');

        const server = new UploadPackV2(directory);
        const { pack, error } = parseFetchAnswer(await server.feed(encodeRequest('fetch', args)));
        server.close();
        expect(error).toBe('');
        const clientHas = reachable(directory, haves);
        const lookUp = (oid: string) => {
          expect(clientHas).toContain(oid);
          const type = git(directory, ['cat-file', '-t', oid]) as 'blob';
          return { type, data: gitBytes(directory, ['cat-file', type, oid]) };
        };
        const sent = new Set(readPack(pack, 'sha1', lookUp).map(({ oid }) => oid));
        const asked = reachable(directory, wants);
        expect([...asked].filter((oid) => !clientHas.has(oid) && !sent.has(oid))).toEqual([]);
        expect([...sent].filter((oid) => !asked.has(oid))).toEqual([]);
      },
    ),
    { numRuns: 60 },
  );
});
