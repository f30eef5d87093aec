/** A server whose own history is cut: what it says of that, and what it sends, is what git does. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { Repository } from '../../src/repository/repository.ts';
import { RepositoryCaches } from '../../src/repository/repository-caches.ts';
import { advertisedByGit, advertisedByPackhorse, askGit, askPackhorse } from '../support/ask-git.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { encodeRequest, parseFetchAnswer } from '../support/requests.ts';

/** main has 20 commits, side five from main~15 on, merged at main~5. */
function makeSource(root: string): string {
  const source = createRepository(root, 'source.git');
  const history = new History();
  const marks: string[] = [];
  const commit = (branch: string, n: number, merge?: string) =>
    history.commit({ branch, files: { [`${branch}/${n}`]: `${n}\n` }, ...(merge && { merge: [merge] }) });
  for (let n = 0; n < 5; n++) marks.push(commit('main', n));
  let side = history.commit({ branch: 'side', from: marks[4], files: { side: '0\n' } });
  for (let n = 1; n < 5; n++) side = commit('side', n);
  for (let n = 5; n < 14; n++) marks.push(commit('main', n));
  marks.push(commit('main', 14, side));
  for (let n = 15; n < 20; n++) marks.push(commit('main', n));
  history.importInto(source);
  return source;
}

const root = temporaryDirectory();
const source = makeSource(root);
const id = (name: string) => git(source, ['rev-parse', name]);

/** A clone of some depth, all packs and a commit-graph and bitmap as far as git makes them. */
function makeServer(name: string, depth: number): string {
  git(root, ['clone', '--quiet', '--mirror', `--depth=${depth}`, `file://${source}`, name]);
  return path.join(root, name);
}

/** The ids of what a pack holds that is thin or not. */
function objectsOf(pack: Buffer): string[] {
  const target = createRepository(temporaryDirectory(), 'target.git');
  git(target, ['index-pack', '--fix-thin', '--stdin'], { input: pack });
  return git(target, ['cat-file', '--batch-all-objects', '--batch-check=%(objectname)']).split('\n').sort();
}

async function expectAsGit(server: string, args: readonly string[]): Promise<string[]> {
  const request = encodeRequest('fetch', ['no-progress', ...args, 'done']);
  const [ours, theirs] = [await askPackhorse(server, request), askGit(server, request)].map((answer) =>
    parseFetchAnswer(Buffer.from(answer, 'latin1')),
  );
  expect([...ours.lines].sort()).toEqual([...new Set(theirs.lines)].sort());
  // git sends again some of what the client has below its own end.
  const known = args
    .filter((arg) => /^(?:have|shallow) /.test(arg))
    .flatMap((arg) => git(source, ['ls-tree', '-r', '-t', '--object-only', arg.split(' ')[1]]).split('\n'));
  const sent = objectsOf(ours.pack);
  expect(sent).toEqual(objectsOf(theirs.pack).filter((oid) => sent.includes(oid) || !known.includes(oid)));
  return ours.lines;
}

describe('a shallow server', () => {
  const server = makeServer('cut.git', 8);
  const want = (name = 'main') => `want ${id(name)}`;
  const shallow = (name: string) => `shallow ${id(name)}`;

  test.each<[string, readonly string[]]>([
    ['a clone', [want()]],
    ['a clone of one branch', [want('side')]],
    ['a clone of depth 1', [want(), 'deepen 1']],
    ['a clone just as deep', [want(), 'deepen 8']],
    ['a clone deeper than the server', [want(), want('side'), 'deepen 50']],
    ['a clone of all there is', [want(), 'deepen 2147483647']],
    [
      'a clone from a time on',
      [want(), `deepen-since ${git(source, ['log', '-1', '--format=%ct', 'main~3'])}`],
    ],
    ['a shallow client that fetches', [want(), shallow('main~3'), `have ${id('main~3')}`]],
    ['a shallow client with nothing in common', [want(), shallow('main~3')]],
    ['a client as shallow as the server', [want(), shallow('main~7'), `have ${id('main~7')}`]],
    ['deepening inside', [want(), shallow('main~3'), `have ${id('main')}`, 'deepen 6']],
    ['deepening by some', [want(), shallow('main~3'), `have ${id('main')}`, 'deepen-relative', 'deepen 2']],
    ['deepening beyond', [want(), shallow('main~3'), `have ${id('main')}`, 'deepen 2147483647']],
    ['deepening at the same end', [want(), shallow('main~7'), `have ${id('main')}`, 'deepen 2147483647']],
  ])('answers as git does: %s', async (_, args) => {
    await expectAsGit(server, args);
  });

  test('tells of its own end what lies inside of the history that the client gets, and no more', async () => {
    const inside = await expectAsGit(server, [want()]);
    expect(inside).toContain(`shallow ${id('main~7')}`);
    const cut = await expectAsGit(server, [want(), shallow('main~3')]);
    expect(cut.filter((line) => line.startsWith('shallow '))).toEqual([]);
  });

  test('goes by what it read first', () => {
    const repository = Repository.open(makeServer('moving.git', 8), new RepositoryCaches());
    const before = repository.shallow;
    expect(before).toContain(id('main~7'));
    fs.rmSync(path.join(repository.commonDirectory, 'shallow'));
    expect(repository.shallow).toBe(before);
    repository.close();
    expect(Repository.open(repository.gitDirectory, new RepositoryCaches()).shallow).toBeUndefined();
  });
});

describe('a shallow file', () => {
  /** The whole history, with a commit-graph and a bitmap, and this file. */
  function makeWhole(name: string, text: string): string {
    const server = path.join(root, name);
    fs.cpSync(source, server, { recursive: true });
    git(server, ['repack', '-adbq']);
    git(server, ['commit-graph', 'write', '--reachable']);
    fs.writeFileSync(path.join(server, 'shallow'), text);
    return server;
  }

  test.each([
    ['nothing', ''],
    ['a commit that is not there', `${'1'.repeat(40)}\n`],
    ['a commit, and more on its line', `${id('main~4')} and more\n`],
    ['an id in capitals, without a line end', id('main~4').toUpperCase()],
    [
      'several, in no order',
      ['main~3', 'side~1', 'main~3', 'main~4'].map((name) => `${id(name)}\n`).join(''),
    ],
  ])('of %s makes a server a shallow one', async (what, text) => {
    const server = makeWhole(`${what}.git`, text);
    const want = `want ${id('main')}`;
    expect(await expectAsGit(server, [want])).toContain('shallow-info');
    await expectAsGit(server, [want, `shallow ${id('main~3')}`]);
    await expectAsGit(server, [
      want,
      'deepen 2147483647',
      `shallow ${id('main~3')}`,
      `shallow ${id('side')}`,
    ]);
    await expectAsGit(server, [`want ${id('side')}`, 'deepen 2147483647', `shallow ${id('main~3')}`]);
    await expectAsGit(server, [want, 'deepen 3']);
    expect(await advertisedByPackhorse(server)).toBe(advertisedByGit(server));
    const repository = Repository.open(server, new RepositoryCaches());
    expect(repository.objects.graph).toBeUndefined();
    repository.close();
  });

  test.each(['not an id\n', '\n', `${'1'.repeat(39)}\n`, `${id('main')}\n\n`])(
    'of %j is an error',
    async (text) => {
      const server = makeWhole(`bad-${text.length}.git`, text);
      const request = encodeRequest('fetch', [`want ${id('main')}`, 'done']);
      expect(() => askGit(server, request)).toThrow('bad shallow line');
      expect(await askPackhorse(server, request)).toContain('ERR bad shallow line');
    },
  );
});
