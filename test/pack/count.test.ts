/** Generated histories: what is sent is all that the client lacks, and nothing that was not asked for. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readPack, UploadPackV2 } from '../../src/index.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git, gitBytes } from '../support/git.ts';
import { encodeRequest, parseFetchAnswer } from '../support/requests.ts';

interface Step {
  /** Parents, as distances back from this commit. */
  readonly parents: readonly number[];
  /** Seconds that this commit's clock is wrong by. */
  readonly skew: number;
  readonly file: string;
  readonly content: number;
  readonly renames: boolean;
}

const step: fc.Arbitrary<Step> = fc.record({
  parents: fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { minLength: 0, maxLength: 3 }),
  skew: fc.oneof(
    { weight: 4, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: -9999, max: 9999 }) },
  ),
  file: fc.constantFrom('a', 'b', 'd/a', 'd/e/a', 'd/e/b', 'f/a'),
  content: fc.nat(4),
  renames: fc.boolean(),
});

/** A stream for fast-import: commit `i` has the mark and the branch `c<i>`. */
function streamOf(steps: readonly Step[]): string {
  return steps
    .map(({ parents, skew, file, content, renames }, i) => {
      const text = `content ${content}\n`.repeat(30);
      const known = [...new Set(parents.map((back) => i - back).filter((n) => n >= 0))];
      const lines = [
        `commit refs/heads/c${i}`,
        `mark :${i + 1}`,
        `committer C <c@example.com> ${1_700_000_000 + i * 10 + skew} +0000`,
        `data 2\nc\n`,
        ...known.map((n, k) => `${k === 0 ? 'from' : 'merge'} :${n + 1}`),
        ...(renames && known.length > 0 ? [] : [`M 100644 inline moved${i}`, `data ${text.length}\n${text}`]),
        `M 100644 inline ${file}`,
        `data ${text.length}\n${text}`,
      ];
      return `${lines.join('\n')}\n`;
    })
    .join('');
}

function reachable(directory: string, tips: readonly string[]): Set<string> {
  if (tips.length === 0) return new Set();
  return new Set(git(directory, ['rev-list', '--objects', '--no-object-names', ...tips]).split('\n'));
}

it('sends what the client lacks, in thin packs too', async () => {
  const picks = fc.array(fc.nat(29), { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 3, maxLength: 30 }),
      picks,
      fc.array(fc.nat(29), { maxLength: 3 }),
      fc.boolean(),
      fc.boolean(),
      async (steps, wanted, had, thin, repack) => {
        const directory = temporaryDirectory();
        git(directory, ['init', '-q', '--bare', '.']);
        git(directory, ['-c', 'fastimport.unpackLimit=0', 'fast-import', '--quiet'], {
          input: streamOf(steps),
        });
        if (repack) git(directory, ['repack', '-q', '-adf', '--depth=10']);
        const idOf = (n: number) => git(directory, ['rev-parse', `refs/heads/c${n % steps.length}`]);
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
