/** The cases of git's t5703 (ref-in-want) that are bytes of one request; git is the judge. */
import { beforeAll, describe, expect, it } from 'vitest';
import { readPack, UploadPackV2 } from '../../src/index.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { gitAnswer } from '../support/git-answer.ts';
import { createRepository, History } from '../support/history.ts';
import { DELIM, FLUSH, parseFetchAnswer, pkt, v2Request } from '../support/requests.ts';

let repository: string;
let server: UploadPackV2;
const id = (name: string) => git(repository, ['rev-parse', name]);

/**
 *     c(o/foo) d(o/bar)
 *            \ /
 *             b   e(baz)  f(main)
 *              \__  |  __/
 *                 \ | /
 *                   a
 */
beforeAll(() => {
  repository = createRepository(temporaryDirectory(), 'a.git');
  const history = new History();
  const commit = (name: string, branch: string, from?: string) => {
    const mark = history.commit({ branch, files: { [`${name}.t`]: name }, ...(from && { from }) });
    history.ref(`refs/tags/${name}`, mark);
    return mark;
  };
  const a = commit('a', 'main');
  const b = commit('b', 'o/foo', a);
  commit('c', 'o/foo', b);
  commit('d', 'o/bar', b);
  commit('e', 'baz', a);
  commit('f', 'main', a);
  history.ref('refs/hidden/x', a);
  history.importInto(repository);
  git(repository, ['config', 'uploadpack.allowRefInWant', 'true']);
  git(repository, ['config', 'transfer.hideRefs', 'refs/hidden']);
  server = new UploadPackV2(repository);
});

async function ask(...args: string[]): Promise<Buffer> {
  return Buffer.from(await server.feed(Buffer.from(v2Request('fetch', ['no-progress', ...args]), 'latin1')));
}

const commitsOf = (pack: Buffer) =>
  readPack(pack)
    .filter(({ type }) => type === 'commit')
    .map(({ oid }) => oid)
    .sort();

it.each([
  ['false', false],
  ['true', true],
])('is advertised where uploadpack.allowRefInWant is %s: %s', (value, expected) => {
  const other = createRepository(temporaryDirectory(), 'b.git');
  git(other, ['config', 'uploadpack.allowRefInWant', value]);
  expect(Buffer.from(new UploadPackV2(other).advertise()).includes(' ref-in-want\n')).toBe(expected);
});

it('is no argument where it is not advertised', async () => {
  const other = createRepository(temporaryDirectory(), 'b.git');
  const request = Buffer.from(v2Request('fetch', ['want-ref refs/heads/main', 'done']));
  const answer = Buffer.from(await new UploadPackV2(other).feed(request));
  expect(answer.toString()).toBe(pkt("ERR unexpected line: 'want-ref refs/heads/main'"));
  expect(gitAnswer(other, request).stderr).toBe("fatal: unexpected line: 'want-ref refs/heads/main'\n");
});

describe('what is sent', () => {
  it.each<[title: string, args: () => string[], refs: string[], commits: string[]]>([
    ['a ref', () => ['want-ref refs/heads/main', `have ${id('a')}`], ['refs/heads/main'], ['f']],
    [
      'several refs, in the order of the request',
      () => ['want-ref refs/heads/o/foo', 'want-ref refs/heads/o/bar', `have ${id('b')}`],
      ['refs/heads/o/foo', 'refs/heads/o/bar'],
      ['c', 'd'],
    ],
    [
      'a ref and an id',
      () => ['want-ref refs/heads/main', `want ${id('e')}`, `have ${id('a')}`],
      ['refs/heads/main'],
      ['e', 'f'],
    ],
    [
      'a ref whose commit the client has',
      () => ['want-ref refs/heads/o/foo', `have ${id('c')}`],
      ['refs/heads/o/foo'],
      [],
    ],
    ['HEAD', () => ['want-ref HEAD', `have ${id('a')}`], ['HEAD'], ['f']],
    [
      'two refs to one commit, which is sent once',
      () => ['want-ref refs/tags/f', 'want-ref refs/heads/main', `have ${id('a')}`],
      ['refs/tags/f', 'refs/heads/main'],
      ['f'],
    ],
  ])('%s', async (_, args, refs, commits) => {
    const request = v2Request('fetch', ['no-progress', ...args(), 'done']);
    const ours = parseFetchAnswer(await ask(...args(), 'done'));
    const theirs = parseFetchAnswer(gitAnswer(repository, request).stdout);
    expect(ours.lines).toEqual([
      'wanted-refs',
      ...refs.map((name) => `${id(name)} ${name}`),
      DELIM,
      'packfile',
    ]);
    // git gives them in an order of its own.
    expect([...ours.lines].sort()).toEqual([...theirs.lines].sort());
    expect(commitsOf(ours.pack)).toEqual(commits.map(id).sort());
    expect(commitsOf(ours.pack)).toEqual(commitsOf(theirs.pack));
    expect(ours.complete).toBe(true);
  });

  it('names what the ref points at behind the acknowledgments', async () => {
    const { lines } = parseFetchAnswer(await ask('want-ref refs/heads/main', `have ${id('a')}`));
    expect(lines).toEqual([
      'acknowledgments',
      `ACK ${id('a')}`,
      'ready',
      DELIM,
      'wanted-refs',
      `${id('main')} refs/heads/main`,
      DELIM,
      'packfile',
    ]);
  });

  it('names no refs where no pack follows', async () => {
    const answer = await ask('want-ref refs/heads/main', `have ${'1'.repeat(40)}`);
    expect(answer.toString()).toBe(`${pkt('acknowledgments\n')}${pkt('NAK\n')}${FLUSH}`);
  });

  it('comes behind the shallow-info, where clients look for it', async () => {
    const { lines } = parseFetchAnswer(await ask('want-ref refs/heads/main', 'deepen 1', 'done'));
    expect(lines).toEqual([
      'shallow-info',
      `shallow ${id('main')}`,
      DELIM,
      'wanted-refs',
      `${id('main')} refs/heads/main`,
      DELIM,
      'packfile',
    ]);
  });

  it('keeps a name whose bytes are no UTF-8', async () => {
    const name = Buffer.from('refs/heads/\xe4\xff', 'latin1');
    const request = v2Request('fetch', ['want-ref refs/heads/??', 'done']);
    const bytes = Buffer.from(request.replace('??', '\xe4\xff'), 'latin1');
    git(repository, ['update-ref', '--stdin'], {
      input: Buffer.concat([Buffer.from('create '), name, Buffer.from(' a\n')]),
    });
    const answer = Buffer.from(await server.feed(bytes));
    expect(answer.includes(Buffer.concat([Buffer.from(`${id('a')} `), name, Buffer.from('\n')]))).toBe(true);
  });
});

describe('what is refused, with the bytes of git', () => {
  it.each<[title: string, args: string[], text: string]>([
    ['a ref that is not there', ['want-ref refs/heads/none'], 'unknown ref refs/heads/none'],
    ['a hidden ref', ['want-ref refs/hidden/x'], 'unknown ref refs/hidden/x'],
    ['a short name', ['want-ref main'], 'unknown ref main'],
  ])('%s', async (_, args, text) => {
    const expected = pkt(`ERR ${text}`);
    expect((await ask(...args, 'done')).toString()).toBe(expected);
    const request = v2Request('fetch', ['no-progress', ...args, 'done']);
    expect(gitAnswer(repository, request).stdout.toString()).toBe(expected);
  });

  it('a name that is no ASCII', async () => {
    const request = Buffer.from(v2Request('fetch', ['want-ref refs/heads/übel', 'done']));
    const answer = Buffer.from(await server.feed(request));
    expect(answer.toString()).toBe(pkt('ERR unknown ref refs/heads/übel'));
    expect(answer).toEqual(gitAnswer(repository, request).stdout);
  });

  it('a ref that is wanted twice, which git 2.39 takes', async () => {
    const answer = await ask('want-ref refs/heads/main', 'want-ref refs/heads/main', 'done');
    expect(answer.toString()).toBe(pkt('ERR duplicate want-ref refs/heads/main'));
  });
});

describe('in a namespace', () => {
  let shared: string;
  const commit = (name: string) => git(shared, ['rev-parse', name]);

  beforeAll(() => {
    shared = createRepository(temporaryDirectory(), 'shared.git');
    const history = new History();
    const a = history.commit({ branch: 'main', files: { a: 'a' } });
    history.ref('refs/heads/ns-no', history.commit({ branch: 'main', files: { b: 'b' } }));
    for (const name of ['ns-yes', 'hidden']) {
      const mark = history.commit({ branch: `tmp/${name}`, from: a, files: { [name]: name } });
      history.ref(`refs/namespaces/ns/refs/heads/${name}`, mark);
    }
    history.importInto(shared);
    git(shared, ['config', 'uploadpack.allowRefInWant', 'true']);
  });

  it.each<[title: string, namespace: string, name: string, hidden: string, full: string | undefined]>([
    ['a ref in it', 'ns', 'refs/heads/ns-yes', '', 'refs/namespaces/ns/refs/heads/ns-yes'],
    ['a ref outside of it', 'ns', 'refs/heads/ns-no', '', undefined],
    ['the same without a namespace', '', 'refs/heads/ns-no', '', 'refs/heads/ns-no'],
    ['a ref that is hidden by its name there', 'ns', 'refs/heads/hidden', 'refs/heads/hidden', undefined],
    ['the same when it is not hidden', 'ns', 'refs/heads/hidden', '', 'refs/namespaces/ns/refs/heads/hidden'],
    [
      'without a namespace, where the name that is hidden is another one',
      '',
      'refs/namespaces/ns/refs/heads/hidden',
      'refs/heads/hidden',
      'refs/namespaces/ns/refs/heads/hidden',
    ],
  ])('%s', async (_, namespace, name, hidden, full) => {
    git(shared, ['config', 'transfer.hideRefs', hidden || 'refs/none']);
    const request = v2Request('fetch', ['no-progress', `want-ref ${name}`, 'done']);
    const answer = await new UploadPackV2(shared, { namespace }).feed(Buffer.from(request));
    const theirs = gitAnswer(shared, request, { GIT_NAMESPACE: namespace }).stdout;
    if (!full) {
      expect(Buffer.from(answer).toString()).toBe(pkt(`ERR unknown ref ${name}`));
      expect(theirs.toString()).toBe(pkt(`ERR unknown ref ${name}`));
      return;
    }
    const ours = parseFetchAnswer(answer);
    expect(ours.lines).toEqual(['wanted-refs', `${commit(full)} ${name}`, DELIM, 'packfile']);
    expect(commitsOf(ours.pack)).toEqual([commit(full), commit(`${full}~1`)].sort());
    expect(parseFetchAnswer(theirs).lines).toEqual(ours.lines);
    expect(commitsOf(parseFetchAnswer(theirs).pack)).toEqual(commitsOf(ours.pack));
  });
});
