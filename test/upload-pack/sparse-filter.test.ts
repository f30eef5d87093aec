/** Filters that name patterns: which names find them, and what a client is told where there are none. */
import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { readPack, UploadPackV2 } from '../../src/index.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git, gitBytes } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { encodeRequest, parseFetchAnswer } from '../support/requests.ts';

const repository = createRepository(temporaryDirectory(), 'source.git');
const history = new History();
history.commit({
  branch: 'main',
  files: { one: '1', two: '2', patterns: '/one\n', 'dir/more': 'two\n', empty: '' },
  submodules: { linked: 'ab'.repeat(20) },
});
history.tag('annotated', ':1');
history.importInto(repository);
git(repository, ['repack', '-adq']);
git(repository, ['tag', 'blob', 'main:patterns']);
git(repository, ['tag', '-a', '-m', 'x', 'tag-of-blob', 'main:patterns']);
git(repository, ['tag', '-a', '-m', 'x', 'tag-of-tree', 'main:dir']);
git(repository, ['config', 'uploadpack.allowFilter', 'true']);
git(repository, ['config', 'transfer.hideRefs', 'refs/hidden']);
git(repository, ['update-ref', 'refs/hidden/x', 'main']);

const idOf = (name: string) => git(repository, ['rev-parse', name]);
const main = idOf('main');
const patterns = idOf('main:patterns');

/** Stores a blob of patterns whose id starts with four given digits. */
function storeLike(prefix: string): string {
  for (let i = 0; ; i++) {
    const text = `/one\n/two\n# ${i}\n`;
    const oid = createHash('sha1').update(`blob ${text.length}\0${text}`).digest('hex');
    if (!oid.startsWith(prefix)) continue;
    return git(repository, ['hash-object', '-w', '--stdin'], { input: text });
  }
}
const likeMain = storeLike(main.slice(0, 4));
const alone = git(repository, ['hash-object', '-w', '--stdin'], { input: '/two\n' });
const twin = storeLike(patterns.slice(0, 4));

/** Objects, or why there are none: git says so on band 2, and on band 3 that something may be damaged. */
function read(response: Uint8Array): unknown {
  const { pack, lastWords, error } = parseFetchAnswer(response);
  if (lastWords !== '') return error;
  return readPack(pack)
    .map(({ oid }) => oid)
    .sort();
}

async function ask(name: string): Promise<unknown> {
  const lines = [`want ${main}`, `filter sparse:oid=${name}`, 'no-progress', 'done'];
  const request = encodeRequest('fetch', lines);
  const env = { ...process.env, GIT_PROTOCOL: 'version=2' };
  let expected: unknown;
  try {
    expected = read(gitBytes(repository, ['upload-pack', '--stateless-rpc', '.'], { env, input: request }));
  } catch (error) {
    expected = read((error as { stdout: Buffer }).stdout);
  }
  const answer = read(await new UploadPackV2(repository).feed(request));
  expect(answer).toEqual(expected);
  return answer;
}

it.each([
  ['an id', patterns],
  ['an id in capitals', patterns.toUpperCase()],
  ['the start of an id', patterns.slice(0, 12)],
  ['a ref', 'blob'],
  ['a full ref', 'refs/tags/blob'],
  ['a path in a branch', 'main:patterns'],
  ['a path in a directory', 'main:dir/more'],
  ['a path in HEAD', 'HEAD:patterns'],
  ['a path in a commit', `${main}:patterns`],
  ['a path in a commit whose id is cut short', `${main.slice(0, 12)}:patterns`],
  ['a path in a commit whose short id a blob has too', `${main.slice(0, 4)}:patterns`],
  ['the one blob of objects whose ids start alike', likeMain.slice(0, 4)],
  ['a path in a tree', `${idOf('main^{tree}')}:patterns`],
  ['a path behind a tag', 'annotated:patterns'],
  ['a path in a tree behind a tag', 'tag-of-tree:more'],
  ['a path behind a hidden ref', 'refs/hidden/x:patterns'],
  ['a loose object', alone.slice(0, 8)],
  ['an empty blob', 'main:empty'],
])('patterns are found by %s', async (_what, name) => {
  expect(await ask(name)).toContain(main);
});

it.each([
  ['a ref that is not there', 'nothing'],
  ['a path that is not there', 'main:nothing'],
  ['a path below a file', 'main:patterns/x'],
  ['a path with a slash too many', 'main:/patterns'],
  ['a path in what has none', 'blob:patterns'],
  ['an index', ':patterns'],
  ['nothing', ''],
  ['the start of two ids', twin.slice(0, 4)],
  ['too few digits', patterns.slice(0, 3)],
])('%s leads nowhere', async (_what, name) => {
  expect(await ask(name)).toBe(`unable to access sparse blob in '${name}'`);
});

it.each([
  ['a commit', 'main', main],
  ['a tree', 'main:dir', idOf('main:dir')],
  ['a root tree', 'main:', idOf('main^{tree}')],
  ['a tag of a blob', 'tag-of-blob', idOf('tag-of-blob')],
  ['a submodule', 'main:linked', 'ab'.repeat(20)],
  ['an object that is not there', '12'.repeat(20), '12'.repeat(20)],
])('%s holds no patterns', async (_what, name, oid) => {
  expect(await ask(name)).toBe(`unable to parse sparse filter data in ${oid}`);
});

it('more than 4 MiB of patterns are not read', async () => {
  const store = (bytes: number) =>
    git(repository, ['hash-object', '-w', '--stdin'], { input: `/one\n${'#'.repeat(bytes - 5)}` });
  const answer = async (filter: string) => {
    const lines = [`want ${main}`, `filter ${filter}`, 'no-progress', 'done'];
    return read(await new UploadPackV2(repository).feed(encodeRequest('fetch', lines)));
  };
  const most = store(4 * 1024 * 1024);
  expect(await answer(`sparse:oid=${most}`)).toContain(main);
  for (const [filter, oid] of [
    [`sparse:oid=${store(4 * 1024 * 1024 + 1)}`, store(4 * 1024 * 1024 + 1)],
    [`combine:sparse:oid=${most}+sparse:oid=main:patterns`, patterns],
  ]) {
    expect(await answer(filter)).toBe(`unable to parse sparse filter data in ${oid}`);
  }
});

it('what is wrong with any part of a combination is told, though other parts leave out all blobs', async () => {
  const request = encodeRequest('fetch', [
    `want ${main}`,
    'filter combine:tree:0+sparse:oid=nothing',
    'done',
  ]);
  const { error } = await new UploadPackV2(repository).feed(request, () => {});
  expect(error).toMatchObject({
    code: 'PACKHORSE_FILTER_UNREADABLE',
    message: "unable to access sparse blob in 'nothing'",
  });
});
