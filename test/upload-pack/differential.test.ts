/** The same requests to `git upload-pack` and to Packhorse: git is the judge. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readPack, UploadPackV2 } from '../../src/index.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git, gitBytes } from '../support/git.ts';
import { encodeRequest, parseFetchAnswer } from '../support/requests.ts';

/**
 *     main: m0 .. m19, with `side` (s0 .. s4, from m5) merged after m10
 *     other: o0 .. o2, a history of its own
 * Tags: annotated, tag of a tag, tag of a tree, tag of a blob, lightweight; some refs packed.
 */
function makeRepository(): string {
  const directory = temporaryDirectory();
  const run = (...args: string[]) => git(directory, args);
  let clock = 1_700_000_000;
  const commit = (name: string) => {
    fs.mkdirSync(path.join(directory, 'sub', name.slice(0, 1)), { recursive: true });
    fs.writeFileSync(
      path.join(directory, 'sub', name.slice(0, 1), 'file'),
      `content of ${name}\n`.repeat(50),
    );
    run('add', '-A');
    const date = `${++clock} +0000`;
    const env = { ...process.env, GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
    git(directory, ['-c', 'user.name=A', '-c', 'user.email=a@b', 'commit', '-q', '-m', name], { env });
  };
  run('init', '-q', '-b', 'main', '.');
  for (let i = 0; i <= 5; i++) commit(`m${i}`);
  run('checkout', '-q', '-b', 'side');
  for (let i = 0; i < 5; i++) commit(`s${i}`);
  run('checkout', '-q', 'main');
  for (let i = 6; i <= 10; i++) commit(`m${i}`);
  run('merge', '-q', '--no-ff', '-m', 'merge', 'side');
  for (let i = 11; i < 20; i++) commit(`m${i}`);
  run('checkout', '-q', '--orphan', 'other');
  for (let i = 0; i < 3; i++) commit(`o${i}`);
  run('checkout', '-q', 'main');
  run('tag', '-a', '-m', 'one', 'annotated', 'main~3');
  run('tag', '-a', '-m', 'two', 'nested', 'annotated');
  run('tag', '-a', '-m', 'tree', 'tree', 'main^{tree}');
  run('tag', '-a', '-m', 'blob', 'blob', 'main:sub/m/file');
  run('tag', 'light', 'main~7');
  run('pack-refs', '--all');
  run('branch', 'loose', 'main~2');
  run('symbolic-ref', 'refs/heads/symbolic', 'refs/heads/side');
  run('update-ref', 'refs/hidden/one', 'main');
  run('config', 'transfer.hideRefs', 'refs/hidden');
  run('repack', '-q', '-ad');
  return directory;
}

const repository = makeRepository();
const server = new UploadPackV2(repository);
const timeOf = (name: string) => git(repository, ['log', '-1', '--format=%ct', name]);
const id = (name: string) => git(repository, ['rev-parse', name]);

function askGit(request: Uint8Array): Buffer {
  const env = { ...process.env, GIT_PROTOCOL: 'version=2' };
  return gitBytes(repository, ['upload-pack', '--stateless-rpc', '.'], { env, input: request });
}

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
  ])('gives the bytes of git: %s', async (_, args) => {
    const request = encodeRequest('ls-refs', args);
    expect(Buffer.from(await server.feed(request)).toString('latin1')).toBe(
      askGit(request).toString('latin1'),
    );
  });
});

/** Object ids of a pack; a thin one is completed from the repository, as its client would. */
function objectsOf(pack: Buffer): string[] {
  const lookUp = (oid: string) => ({
    type: git(repository, ['cat-file', '-t', oid]) as 'blob',
    data: gitBytes(repository, ['cat-file', git(repository, ['cat-file', '-t', oid]), oid]),
  });
  const ids = readPack(pack, 'sha1', lookUp).map(({ oid }) => oid);
  expect(new Set(ids).size).toBe(ids.length);
  return ids.sort();
}

/** The objects that git sends, less those that git could have known the client to have. */
function expectSent(ours: Buffer, theirs: Buffer, args: readonly string[]): void {
  const known = args
    .filter((arg) => /^(have|shallow) /.test(arg))
    .flatMap((arg) =>
      git(repository, ['ls-tree', '-r', '-t', '--object-only', arg.split(' ')[1]]).split('\n'),
    );
  const sent = objectsOf(ours);
  expect(sent).toEqual(objectsOf(theirs).filter((oid) => sent.includes(oid) || !known.includes(oid)));
}

const want = (name: string) => `want ${id(name)}`;
const have = (name: string) => `have ${id(name)}`;

describe('fetch', () => {
  it.each<[string, () => string[]]>([
    ['a clone', () => [want('main'), want('other'), 'done']],
    ['a clone of one branch', () => [want('side'), 'done']],
    ['a clone with tags', () => [want('main'), 'include-tag', 'done']],
    ['a tag of a tag', () => [want('nested'), 'done']],
    ['a tag of a tree', () => [want('tree'), 'done']],
    ['a tag of a blob', () => [want('blob'), 'done']],
    ['a blob by id', () => [want('main:sub/m/file'), 'done']],
    ['a tree by id', () => [want('main:sub'), 'done']],
    ['a commit that no ref points at', () => [want('main~4'), 'done']],
    ['what is behind', () => [want('main'), have('main~5'), 'done']],
    ['what is behind, thin', () => [want('main'), have('main~5'), 'thin-pack', 'ofs-delta', 'done']],
    ['what is behind, with tags', () => [want('main'), have('main~5'), 'include-tag', 'done']],
    ['across a merge', () => [want('main'), have('main~12'), 'done']],
    ['from the other side of a merge', () => [want('main'), have('side'), 'done']],
    ['an unrelated history', () => [want('other'), have('main'), 'done']],
    ['nothing new', () => [want('main~5'), have('main'), 'done']],
    ['depth 1', () => [want('main'), 'deepen 1', 'done']],
    ['depth 3 of two branches', () => [want('main'), want('side'), 'deepen 3', 'done']],
    ['depth 11, at the merge', () => [want('main'), 'deepen 11', 'done']],
    ['depth beyond the roots', () => [want('other'), 'deepen 3', 'done']],
    ['deepening', () => [want('main'), have('main'), `shallow ${id('main~2')}`, 'deepen 6', 'done']],
    [
      'unshallowing',
      () => [want('main'), have('main'), `shallow ${id('main~2')}`, 'deepen 2147483647', 'done'],
    ],
    [
      'a shallow client that fetches',
      () => [want('main'), have('main~4'), `shallow ${id('main~4')}`, 'done'],
    ],
    [
      'a depth less than before',
      () => [want('main'), have('main'), `shallow ${id('main~8')}`, 'deepen 2', 'done'],
    ],
    [
      'deepening from where history ends',
      () => [want('main'), have('main'), `shallow ${id('main~2')}`, 'deepen-relative', 'deepen 3', 'done'],
    ],
    [
      'deepening across the merge',
      () => [want('main'), have('main'), `shallow ${id('main~8')}`, 'deepen-relative', 'deepen 2', 'done'],
    ],
    ['since a time', () => [want('main'), `deepen-since ${timeOf('main~4')}`, 'done']],
    ['since a time, across the merge', () => [want('main'), `deepen-since ${timeOf('main~12')}`, 'done']],
    [
      'since a time, of a shallow client',
      () => [
        want('main'),
        have('main'),
        `shallow ${id('main~2')}`,
        `deepen-since ${timeOf('main~6')}`,
        'done',
      ],
    ],
    ['not what a branch has', () => [want('main'), 'deepen-not side', 'done']],
    ['not what a tag has', () => [want('main'), 'deepen-not annotated', 'done']],
    ['not what a full name has', () => [want('main'), 'deepen-not refs/heads/loose', 'done']],
    [
      'not one, and since',
      () => [want('main'), 'deepen-not side', `deepen-since ${timeOf('main~12')}`, 'done'],
    ],
    ['a base with 0x', () => [want('main'), 'deepen 0x2', 'done']],
  ])('sends what git sends: %s', async (_, args) => {
    const request = encodeRequest('fetch', ['no-progress', ...args()]);
    const ours = parseFetchAnswer(await server.feed(request));
    const theirs = parseFetchAnswer(askGit(request));
    // git may name a shallow commit twice.
    expect([...ours.lines].sort()).toEqual([...new Set(theirs.lines)].sort());
    expectSent(ours.pack, theirs.pack, args());
  });

  it.each<[string, () => string[]]>([
    ['no common commit', () => [want('main'), `have ${'1'.repeat(40)}`]],
    ['common, not ready', () => [want('main'), want('other'), have('main~5')]],
    ['common, but the client waits for done', () => [want('main'), have('main~5'), 'wait-for-done']],
    ['no wants', () => [have('main~5'), 'wait-for-done']],
  ])('acknowledges as git does: %s', async (_, args) => {
    const request = encodeRequest('fetch', args());
    expect(Buffer.from(await server.feed(request)).toString('latin1')).toBe(
      askGit(request).toString('latin1'),
    );
  });

  it.each<[string, () => string[]]>([
    ['one want reached', () => [want('main'), have('main~5')]],
    ['both wants reached', () => [want('main'), want('other'), have('main~5'), have('other~1')]],
    ['a tag as want', () => [want('nested'), have('main~8')]],
    ['a tree as want', () => [want('main:sub'), want('main'), have('main~8')]],
  ])('is ready when git is: %s', async (_, args) => {
    const request = encodeRequest('fetch', ['no-progress', ...args()]);
    const ours = parseFetchAnswer(await server.feed(request));
    const theirs = parseFetchAnswer(askGit(request));
    expect(ours.lines).toEqual(theirs.lines);
    expect(ours.lines).toContain('ready');
    expect(objectsOf(ours.pack)).toEqual(objectsOf(theirs.pack));
  });

  it.each<[string, () => string[], string]>([
    ['a time beyond all', () => [want('main'), 'deepen-since 2000000000', 'done'], 'no commits selected'],
    ['a ref that is none', () => [want('main'), 'deepen-not nowhere', 'done'], 'deepen-not'],
    ['both', () => [want('main'), 'deepen 1', 'deepen-since 1', 'done'], 'cannot be used together'],
    ['no time', () => [want('main'), 'deepen-since soon', 'done'], 'Invalid deepen-since'],
    ['no depth', () => [want('main'), 'deepen 0', 'done'], 'Invalid deepen'],
  ])('refuses with the words of git: %s', async (_, args, words) => {
    const request = encodeRequest('fetch', args());
    expect(() => askGit(request)).toThrow(words);
    expect(Buffer.from(await server.feed(request)).toString()).toMatch(new RegExp(`^....ERR .*${words}`));
  });

  it('says nothing to a request without wants', async () => {
    const request = encodeRequest('fetch', ['done']);
    expect(await server.feed(request)).toHaveLength(0);
    expect(askGit(request)).toHaveLength(0);
  });

  it('reports progress in the words of git', async () => {
    const request = encodeRequest('fetch', [want('other'), 'ofs-delta', 'done']);
    const words = (response: Uint8Array) =>
      parseFetchAnswer(response)
        .progress.split(/[\r\n]/)
        .filter((line) => /done\.$|^Total/.test(line) && !line.startsWith('Compressing'))
        .map((line) => line.replace(/delta \d+|reused \d+|pack-reused.*/g, '').trim());
    expect(words(await server.feed(request))).toEqual(words(askGit(request)));
  });
});
