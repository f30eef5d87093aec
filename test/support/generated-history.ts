/** Histories made up by fast-check: merges of up to three, clocks that run wrong, files that move, tags of anything. */
import fc from 'fast-check';
import { git } from './git.ts';

/** One commit. */
export interface Step {
  /** Parents, as distances back from this commit; those before the first commit are left out. */
  readonly parents: readonly number[];
  /** Seconds that this commit's clock is wrong by. */
  readonly skew: number;
  readonly file: string;
  /** Where the file came from, if it is not new there. */
  readonly movedFrom: string | undefined;
  readonly content: number;
  /** What of the repository as it is after this commit gets a tag, or nothing. */
  readonly tagged: 'commit' | 'tag' | 'tree' | 'blob' | undefined;
}

const FILES = ['a', 'b', 'd/a', 'd/e/a', 'd/e/b', 'f/a', 'f'];

export const arbitraryStep: fc.Arbitrary<Step> = fc.record({
  parents: fc.oneof(
    { weight: 3, arbitrary: fc.constant([1]) },
    {
      weight: 2,
      arbitrary: fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { minLength: 0, maxLength: 3 }),
    },
  ),
  skew: fc.oneof(
    { weight: 4, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: -9999, max: 9999 }) },
  ),
  file: fc.constantFrom(...FILES),
  movedFrom: fc.option(fc.constantFrom(...FILES), { freq: 3, nil: undefined }),
  content: fc.nat(12),
  tagged: fc.option(fc.constantFrom('commit', 'tag', 'tree', 'blob'), { freq: 2, nil: undefined }),
});

/** Ids of the objects that a request may name. */
export interface ImportedHistory {
  readonly commits: readonly string[];
  /** Tag objects, of commits and of others. */
  readonly tags: readonly string[];
  readonly trees: readonly string[];
  readonly blobs: readonly string[];
}

/** Puts a history into an empty repository, as one pack: branches `c<i>`, tags `t<i>`. */
export function importHistory(directory: string, steps: readonly Step[]): ImportedHistory {
  git(directory, ['-c', 'fastimport.unpackLimit=0', 'fast-import', '--quiet', '--force'], {
    input: steps.map(commitOf).join(''),
  });
  const lines = steps.flatMap((_, i) => [`c${i}`, `c${i}^{tree}`, `c${i}:moved/x${i}`]);
  const ids = revParse(directory, lines);
  const commits = ids.filter((_, i) => i % 3 === 0);
  const trees = ids.filter((_, i) => i % 3 === 1);
  const blobs = ids.filter((_, i) => i % 3 === 2);
  const targets = { commit: commits, tree: trees, blob: blobs };
  const tags = steps.flatMap(({ tagged }, i) => {
    if (!tagged) return [];
    if (tagged !== 'tag') return [tagOf(`t${i}`, targets[tagged][i])];
    return [tagOf(`inner${i}`, commits[i], ':1'), tagOf(`t${i}`, ':1')];
  });
  if (tags.length > 0) {
    git(directory, ['-c', 'fastimport.unpackLimit=0', 'fast-import', '--quiet', '--force'], {
      input: tags.join(''),
    });
  }
  const named = git(directory, ['for-each-ref', '--format=%(objectname)', 'refs/tags']);
  return { commits, trees, blobs, tags: named === '' ? [] : named.split('\n') };
}

function commitOf({ parents, skew, file, movedFrom, content }: Step, i: number): string {
  const known = [...new Set(parents.map((back) => i - back).filter((n) => n >= 0))];
  const lines = [
    `commit refs/heads/c${i}`,
    `mark :${i + 1}`,
    `committer C <c@example.com> ${1_700_000_000 + i * 10 + skew} +0000`,
    'data 2\nc\n',
    ...known.map((n, k) => `${k === 0 ? 'from' : 'merge'} :${n + 1}`),
  ];
  // What is not there cannot be moved: fast-import passes over a deletion of nothing.
  if (movedFrom !== undefined && movedFrom !== file) lines.push(`D ${movedFrom}`);
  for (const [path, text] of [
    [file, textOf(content)],
    [`moved/x${i}`, textOf(content + i)],
  ]) {
    lines.push(`M 100644 inline ${path}`, `data ${text.length}\n${text}`);
  }
  return `${lines.join('\n')}\n`;
}

/** Forty lines, of which neighbours differ in one: deltas are made of them. */
function textOf(content: number): string {
  return Array.from({ length: 40 }, (_, i) => `line ${i} as of ${i % 40 < content ? content : 'old'}\n`).join(
    '',
  );
}

/** @param mark under which the tag may be tagged itself */
function tagOf(name: string, target: string, mark?: string): string {
  const lines = [`tag ${name}`, ...(mark ? [`mark ${mark}`] : []), `from ${target}`];
  return `${lines.join('\n')}\ntagger C <c@example.com> 1700000000 +0000\ndata 2\nt\n\n`;
}

/** The ids of revisions, in their order. */
export function revParse(directory: string, revisions: readonly string[]): string[] {
  return git(directory, ['rev-parse', ...revisions]).split('\n');
}
