/** Conversations by hand that git and Packhorse must answer in the same way: what once differed, and what must not. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { GIT_ENVIRONMENT, git } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { DELIM, FLUSH, pkt } from '../support/requests.ts';
import type { Door } from './judge.ts';
import { configure, readRepository, type TestRepository } from './repositories.ts';
import { runBytes } from './run-case.ts';

/**
 *     main: m0 .. m19, with `side` (s0 .. s4, from m5) merged after m10
 *     other: o0 .. o2, a history of its own
 *     skewed: three commits, of which the second is by far the oldest, and the third has both others as parents
 *     behind: three commits in a row, of which the second is by far the oldest
 * Tags: annotated, tag of a tag, tag of a tree, tag of a blob, lightweight; some refs packed.
 */
function makeRepository(): TestRepository {
  const directory = createRepository(temporaryDirectory(), 'pinned.git');
  const history = new History();
  const commit = (branch: string, name: string, merge: string[] = []) =>
    history.commit({
      branch,
      merge,
      message: name,
      files: { [`sub/${name.slice(0, 1)}/file`]: `content of ${name}\n`.repeat(50) },
    });
  let fork = '';
  for (let i = 0; i <= 5; i++) fork = commit('main', `m${i}`);
  let side = history.commit({ branch: 'side', from: fork, files: { 'sub/s/file': 'content of s0\n' } });
  for (let i = 1; i < 5; i++) side = commit('side', `s${i}`);
  for (let i = 6; i <= 10; i++) commit('main', `m${i}`);
  commit('main', 'merge', [side]);
  for (let i = 11; i < 20; i++) commit('main', `m${i}`);
  for (let i = 0; i < 3; i++) commit('other', `o${i}`);
  history.importInto(directory);
  const run = (...args: string[]) => git(directory, args);
  run('tag', '-a', '-m', 'one', 'annotated', 'main~3');
  run('tag', '-a', '-m', 'two', 'nested', 'annotated');
  run('tag', '-a', '-m', 'tree', 'tree', 'main^{tree}');
  run('tag', '-a', '-m', 'blob', 'blob', 'main:sub/m/file');
  run('tag', 'light', 'main~7');
  run('pack-refs', '--all');
  run('branch', 'loose', 'main~2');
  run('symbolic-ref', 'refs/heads/symbolic', 'refs/heads/side');
  run('update-ref', 'refs/hidden/one', 'main:sub');
  const [old, young] = [1_600_000_000, 1_900_000_000];
  const skewed = (date: number, ...parents: string[]) => {
    const GIT_COMMITTER_DATE = `${date} +0000`;
    const args = ['commit-tree', ...parents.flatMap((parent) => ['-p', parent]), '-m', `${date}`, 'main:sub'];
    return git(directory, args, { env: { ...GIT_ENVIRONMENT, GIT_COMMITTER_DATE } });
  };
  const root = skewed(young);
  run('update-ref', 'refs/heads/behind', skewed(young + 1, skewed(old, root)));
  run('update-ref', 'refs/heads/skewed', skewed(young + 1, skewed(old, root), root));
  const config = [
    'transfer.hideRefs=refs/hidden',
    'uploadpack.allowFilter=true',
    'uploadpackfilter.object:type.allow=false',
  ];
  configure(directory, config);
  return readRepository(directory, config);
}

const repository = makeRepository();
const timeOf = (directory: string, name: string) => git(directory, ['log', '-1', '--format=%ct', name]);

/** Lines as packets; `<name>` stands for an object's id, `(name)` for a commit's time. */
function encode(lines: readonly string[], { directory }: TestRepository): Buffer {
  const packets = lines.map((line) => {
    if (line === FLUSH || line === DELIM) return line;
    const named = line.replace(/<(.*?)>/g, (_, name) => git(directory, ['rev-parse', name]));
    return pkt(`${named.replace(/\((.*?)\)/g, (_, name) => timeOf(directory, name))}\n`);
  });
  return Buffer.from(packets.join(''));
}

async function expectSame(door: Door, lines: readonly string[], at = repository): Promise<void> {
  const { differences, report } = await runBytes(door, encode(lines, at), at);
  expect(differences, report()).toEqual([]);
}

const v2 = (command: string, args: readonly string[]) => [
  `command=${command}`,
  'object-format=sha1',
  DELIM,
  ...args,
  FLUSH,
];

describe('ls-refs', () => {
  it.each([
    ['everything', []],
    ['peeled', ['peel']],
    ['symbolic', ['symrefs']],
    ['peeled, symbolic, unborn', ['peel', 'symrefs', 'unborn']],
    ['HEAD', ['symrefs', 'ref-prefix HEAD']],
    ['a prefix', ['ref-prefix refs/tags/', 'peel']],
    ['a prefix inside of a name', ['ref-prefix refs/heads/s', 'symrefs']],
    ['a prefix of nothing', ['ref-prefix refs/none']],
    ['an empty prefix', ['ref-prefix ']],
    ['a hidden prefix', ['ref-prefix refs/hidden/']],
  ])('%s', (_, args) => expectSame({ version: 2, stateless: true }, v2('ls-refs', args)));
});

describe('fetch in version 2', () => {
  it.each([
    ['a clone', ['want <main>', 'want <other>', 'done']],
    ['a clone of one branch', ['want <side>', 'done']],
    ['a clone with tags', ['want <main>', 'include-tag', 'done']],
    ['a tag of a tag', ['want <nested>', 'done']],
    ['a tag of a tree', ['want <tree>', 'done']],
    ['a tag of a blob', ['want <blob>', 'done']],
    ['a blob by id', ['want <main:sub/m/file>', 'done']],
    ['a tree by id', ['want <main:sub>', 'done']],
    ['a commit that no ref points at', ['want <main~4>', 'done']],
    ['what is behind', ['want <main>', 'have <main~5>', 'done']],
    ['what is behind, thin', ['want <main>', 'have <main~5>', 'thin-pack', 'ofs-delta', 'done']],
    ['what is behind, with tags', ['want <main>', 'have <main~5>', 'include-tag', 'done']],
    ['across a merge', ['want <main>', 'have <main~12>', 'done']],
    ['from the other side of a merge', ['want <main>', 'have <side>', 'done']],
    ['an unrelated history', ['want <other>', 'have <main>', 'done']],
    ['nothing new', ['want <main~5>', 'have <main>', 'done']],
    ['depth 1', ['want <main>', 'deepen 1', 'done']],
    ['depth 3 of two branches', ['want <main>', 'want <side>', 'deepen 3', 'done']],
    ['depth 11, at the merge', ['want <main>', 'deepen 11', 'done']],
    ['depth beyond the roots', ['want <other>', 'deepen 3', 'done']],
    ['deepening', ['want <main>', 'have <main>', 'shallow <main~2>', 'deepen 6', 'done']],
    ['unshallowing', ['want <main>', 'have <main>', 'shallow <main~2>', 'deepen 2147483647', 'done']],
    ['a shallow client that fetches', ['want <main>', 'have <main~4>', 'shallow <main~4>', 'done']],
    ['a depth less than before', ['want <main>', 'have <main>', 'shallow <main~8>', 'deepen 2', 'done']],
    [
      'deepening from where history ends',
      ['want <main>', 'have <main>', 'shallow <main~2>', 'deepen-relative', 'deepen 3', 'done'],
    ],
    [
      'deepening across the merge',
      ['want <main>', 'have <main>', 'shallow <main~8>', 'deepen-relative', 'deepen 2', 'done'],
    ],
    [
      'deepening a history that the wants do not reach',
      ['want <other>', 'have <main>', 'shallow <main>', 'deepen-relative', 'deepen 2', 'done'],
    ],
    ['since a time', ['want <main>', 'deepen-since (main~4)', 'done']],
    ['since a time, across the merge', ['want <main>', 'deepen-since (main~12)', 'done']],
    [
      'since a time, of a shallow client',
      ['want <main>', 'have <main>', 'shallow <main~2>', 'deepen-since (main~6)', 'done'],
    ],
    ['since the beginning of time', ['want <main>', 'shallow <main~2>', 'deepen-since 0', 'done']],
    ['not what a branch has', ['want <main>', 'deepen-not side', 'done']],
    ['not what a tag has', ['want <main>', 'deepen-not annotated', 'done']],
    ['not what a full name has', ['want <main>', 'deepen-not refs/heads/loose', 'done']],
    ['not one, and since', ['want <main>', 'deepen-not side', 'deepen-since (main~12)', 'done']],
    [
      'not what others have, where clocks ran wrong',
      ['want <behind~2>', 'deepen-not behind', 'deepen-not main', 'done'],
    ],
    ['since, where clocks ran wrong', ['want <skewed>', 'deepen-since (main)', 'done']],
    ['a base with 0x', ['want <main>', 'deepen 0x2', 'done']],
    ['no common commit', ['want <main>', `have ${'1'.repeat(40)}`]],
    ['common, not ready', ['want <main>', 'want <other>', 'have <main~5>']],
    ['common, but the client waits for done', ['want <main>', 'have <main~5>', 'wait-for-done']],
    ['no wants', ['have <main~5>', 'wait-for-done']],
    ['no wants, and nothing to wait for', ['have <main~5>', 'done']],
    ['ready: one want reached', ['want <main>', 'have <main~5>']],
    ['ready: both reached', ['want <main>', 'want <other>', 'have <main~5>', 'have <other~1>']],
    ['ready: a tag', ['want <nested>', 'have <main~8>']],
    ['ready: a tree, which counts as reached', ['want <main:sub>', 'want <main>', 'have <main~8>']],
    ['a time beyond all', ['want <main>', 'deepen-since 2000000000', 'done']],
    ['a ref that is none', ['want <main>', 'deepen-not nowhere', 'done']],
    ['two limits', ['want <main>', 'deepen 1', 'deepen-since 1', 'done']],
    ['no time', ['want <main>', 'deepen-since soon', 'done']],
    ['a filter that is forbidden', ['want <main>', 'filter object:type=tree', 'done']],
    ['no depth', ['want <main>', 'deepen 0', 'done']],
  ])('%s', (_, args) => expectSame({ version: 2, stateless: true }, v2('fetch', args)));
});

describe('fetch in version 0', () => {
  const DETAILED = 'multi_ack_detailed side-band-64k';

  it.each([
    ['a clone', ['want <main>', FLUSH, 'done']],
    ['a clone, of a tag', ['want <nested> side-band-64k', FLUSH, 'done']],
    ['what is behind', [`want <main> ${DETAILED}`, FLUSH, 'have <main~5>', 'done']],
    ['haves that are not there', [`want <main> ${DETAILED}`, FLUSH, `have ${'1'.repeat(40)}`, FLUSH]],
    ['ready', [`want <main> ${DETAILED}`, FLUSH, 'have <main~5>', FLUSH]],
    ['a pack without done', [`want <main> ${DETAILED} no-done`, FLUSH, 'have <main~5>', FLUSH]],
    ['a depth', ['want <main>', 'deepen 3', FLUSH]],
    ['a depth, then haves', [`want <main> ${DETAILED}`, 'deepen 3', FLUSH, 'have <main~5>', FLUSH]],
    [
      'not ready before what was cut off is reached',
      [`want <main> ${DETAILED}`, 'shallow <main~2>', 'deepen 9', FLUSH, 'have <main>', FLUSH],
    ],
    [
      'a history that the wants do not reach',
      ['want <other> deepen-relative', 'shallow <main>', 'deepen 2', FLUSH],
    ],
    ['a commit that no ref points at', ['want <main~4>', FLUSH, 'done']],
    ['a commit that an older one reaches', ['want <behind~2>', FLUSH, 'done']],
    ['an object that is not there', [`want ${'1'.repeat(40)}`, FLUSH, 'done']],
    ['a filter without the capability', ['want <main>', 'filter blob:none', FLUSH, 'done']],
    [
      'a tree by id that is met again',
      ['want <main> filter', 'want <tree^{}>', 'filter tree:1', FLUSH, 'done'],
    ],
    ['a filter', ['want <main> filter', 'filter blob:none', FLUSH, 'done']],
  ])('%s', (_, lines) => expectSame({ version: 0, stateless: true }, lines));
});

describe('a repository that is shallow itself', () => {
  const directory = createRepository(temporaryDirectory(), 'shallow.git');
  const history = new History();
  for (let i = 0; i < 6; i++) history.commit({ branch: 'main', files: { file: `${i}` } });
  history.importInto(directory);
  const [middle, end, behind] = ['main~2', 'main~3', 'main~4'].map((name) =>
    git(directory, ['rev-parse', name]),
  );
  fs.writeFileSync(path.join(directory, 'shallow'), `${end}\n`);
  const server = { ...readRepository(directory, []), shallow: new Set([end]) };

  it.each([
    ['a client that ends before', [`shallow ${middle}`, 'done']],
    ['a client that ends there too', [`shallow ${end}`, 'done']],
    ['a client that ends behind', [`shallow ${behind}`, 'done']],
    ['a client that has the end and what is behind', [`have ${end}`, `have ${behind}`, 'wait-for-done']],
  ])('%s', (_, args) => {
    const lines = v2('fetch', ['want <main>', ...args]);
    return expectSame({ version: 2, stateless: true }, lines, server);
  });
});
