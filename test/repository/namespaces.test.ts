/** Ref namespaces, with and without hidden refs: `git upload-pack` with `GIT_NAMESPACE` is the judge. */
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { namespacePrefix } from '../../src/repository/namespaced-refs.ts';
import { Repository } from '../../src/repository/repository.ts';
import { RepositoryCaches } from '../../src/repository/repository-caches.ts';
import { advertisedByGit, advertisedByPackhorse, askGit, askPackhorse } from '../support/ask-git.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { decodePackets, encodeRequest, parseFetchAnswer } from '../support/requests.ts';

const NS = 'refs/namespaces/ns/';
const EVERYTHING = ['symrefs', 'peel', 'unborn'];

const directory = createRepository(temporaryDirectory(), 'a.git');
const history = new History();
for (let n = 0; n < 6; n++) history.commit({ branch: 'main', files: { file: `${n}\n` } });
history.importInto(directory);
const base = (() => {
  const ref = (name: string, commit: string) => git(directory, ['update-ref', name, commit]);
  ref(`${NS}refs/heads/one`, 'main~1');
  ref(`${NS}refs/heads/packed`, 'main~2');
  ref(`${NS}refs/pull/1/head`, 'main~3');
  git(directory, ['tag', '-a', '-m', 'tag', 'v1', 'main~2']);
  ref(`${NS}refs/tags/v1`, 'v1');
  ref(`${NS}refs/namespaces/sub/refs/heads/two`, 'main~4');
  ref('refs/namespaces/sub/refs/heads/other', 'main~5');
  ref('refs/namespaces/odd/foo', 'main');
  git(directory, ['pack-refs', '--all']);
  ref(`${NS}refs/heads/loose`, 'main');
  git(directory, ['symbolic-ref', `${NS}HEAD`, `${NS}refs/heads/one`]);
  git(directory, ['symbolic-ref', `${NS}refs/heads/alias`, `${NS}refs/heads/packed`]);
  git(directory, ['symbolic-ref', 'refs/namespaces/unborn/HEAD', 'refs/namespaces/unborn/refs/heads/later']);
  git(directory, ['symbolic-ref', 'refs/namespaces/outside/HEAD', 'refs/heads/main']);
  git(directory, ['symbolic-ref', 'refs/namespaces/dangling/HEAD', 'refs/heads/nowhere']);
  return fs.readFileSync(path.join(directory, 'config'), 'utf8');
})();

/** Without a prefix git takes the namespace's HEAD for a ref of it as well, and names it twice. */
function byGit(namespace: string, args: readonly string[]): string[] {
  const answer = askGit(directory, encodeRequest('ls-refs', args), [], { GIT_NAMESPACE: namespace });
  const lines = decodePackets(Buffer.from(answer, 'latin1')).map(({ text }) => text);
  return lines.filter((line, i) => lines.indexOf(line) === i);
}

async function byUs(namespace: string, args: readonly string[]): Promise<string[]> {
  const answer = await askPackhorse(directory, encodeRequest('ls-refs', args), { namespace });
  return decodePackets(Buffer.from(answer, 'latin1')).map(({ text }) => text);
}

describe('a namespace', () => {
  test.each(['ns', '/ns', 'ns//sub', 'ns/sub', 'sub', 'nothing', 'unborn', ''])('%j', async (namespace) => {
    const theirs = byGit(namespace, EVERYTHING);
    expect(await byUs(namespace, EVERYTHING)).toEqual(theirs);
  });

  test.each([
    '',
    'r',
    'refs',
    'refs/',
    'refs/heads/',
    'refs/heads/lo',
    'refs/namespaces/',
    'HEAD',
    'foo',
    'HEAD/x',
  ])('of prefix %j', async (prefix) => {
    const args = ['symrefs', `ref-prefix ${prefix}`];
    expect(await byUs('ns', args)).toEqual(byGit('ns', args));
  });

  test.each(['ns', 'ns/sub', 'sub'])('%j in protocol v0', async (namespace) => {
    const theirs = advertisedByGit(directory, { GIT_NAMESPACE: namespace });
    expect(await advertisedByPackhorse(directory, { namespace })).toBe(theirs);
  });

  test('has two slashes, or one at its end, as if they were not there', async () => {
    expect(namespacePrefix('ns//sub/')).toBe(namespacePrefix('/ns/sub'));
    expect(namespacePrefix('ns/sub')).toBe(`${NS}refs/namespaces/sub/`);
  });

  test.each(['.', 'a b', 'ns/..', '/', 'x.lock', 'a:b', '-?'])(
    'of a name that cannot be: %j',
    async (name) => {
      expect(() => byGit(name, [])).toThrow('bad git namespace path');
      expect(await askPackhorse(directory, encodeRequest('ls-refs', []), { namespace: name })).toContain(
        `ERR bad git namespace path "${name}"`,
      );
    },
  );

  // git writes "(null)" where the target has no name that the client could know.
  test('whose HEAD points outside gives no target', async () => {
    const head = `${git(directory, ['rev-parse', 'main'])} HEAD`;
    expect(await byUs('outside', EVERYTHING)).toEqual([head, 'flush']);
    expect(await byUs('dangling', EVERYTHING)).toEqual(['flush']);
  });

  test('is no other namespace: an answer that was kept is not given for it', async () => {
    const caches = new RepositoryCaches(undefined, { now: () => Date.now() + 60_000 });
    const request = encodeRequest('ls-refs', EVERYTHING);
    const ask = (namespace: string) => askPackhorse(directory, request, { namespace, caches });
    const whole = await ask('');
    const inside = await ask('ns');
    expect(inside).not.toBe(whole);
    expect(await ask('')).toBe(whole);
    expect(await ask('ns')).toBe(inside);
    expect(await ask('sub')).not.toBe(inside);
  });

  test('resolves names, full and short, inside of itself', () => {
    const { refs } = Repository.open(directory, new RepositoryCaches(), { namespace: 'ns' });
    const id = (name: string) => git(directory, ['rev-parse', name]);
    expect(refs.resolve('HEAD')).toMatchObject({ oid: id('main~1'), target: 'refs/heads/one' });
    expect(refs.resolve('refs/heads/main')).toBeUndefined();
    const odd = Repository.open(directory, new RepositoryCaches(), { namespace: 'odd' });
    expect(odd.refs.resolve('foo')).toBeUndefined();
    expect(refs.expand('one').map(({ name }) => name)).toEqual(['refs/heads/one']);
    expect(refs.expand('v1')).toMatchObject([{ name: 'refs/tags/v1', oid: id('v1') }]);
    expect(refs.expand('main')).toEqual([]);
  });

  test('gives its tags along', async () => {
    const id = (name: string) => git(directory, ['rev-parse', name]);
    const request = encodeRequest('fetch', [
      `want ${id('main~1')}`,
      'include-tag',
      'no-progress',
      'ofs-delta',
      'done',
    ]);
    const environment = { GIT_NAMESPACE: 'ns' };
    const packs = [
      await askPackhorse(directory, request, { namespace: 'ns' }),
      askGit(directory, request, [], environment),
    ].map((answer) => {
      const { pack } = parseFetchAnswer(Buffer.from(answer, 'latin1'));
      const target = createRepository(temporaryDirectory(), 'b.git');
      git(target, ['index-pack', '--stdin'], { input: pack });
      return git(target, ['cat-file', '--batch-all-objects', '--batch-check']).split('\n');
    });
    expect(packs[0]).toEqual(packs[1]);
    expect(packs[0].join()).toContain(`${id('v1')} tag`);
  });
});

describe('hideRefs in a namespace', () => {
  async function expectAsGit(rules: readonly string[]): Promise<string[]> {
    const lines = rules.map((rule) => `\thideRefs = ${rule}\n`).join('');
    fs.writeFileSync(path.join(directory, 'config'), `${base}[transfer]\n${lines}`);
    const ours = await byUs('ns', EVERYTHING);
    expect(ours).toEqual(byGit('ns', EVERYTHING));
    return ours.map((line) => line.split(' ')[1]);
  }

  // The rules of git's own test of namespaces, t5509.
  test.each<[string, string, boolean]>([
    ['goes by the name that clients see', 'refs/tags', false],
    ['does not go by the full name', `${NS}refs/tags`, true],
    ['goes by the full name where it says so', `^${NS}refs/tags`, false],
    ['does not go by the name that clients see then', '^refs/tags', true],
  ])('%s', async (_, rule, shown) => {
    expect((await expectAsGit([rule])).includes('refs/tags/v1')).toBe(shown);
  });

  test.each([
    ['HEAD', ['HEAD']],
    ['HEAD by its full name', [`^${NS}HEAD`]],
    ['the whole namespace', ['^refs/namespaces']],
    ['all but one ref', [`^${NS}refs`, '!refs/heads/one']],
    ['all but one ref by its full name', ['refs', `!^${NS}refs/heads/one`]],
  ])('hides %s', async (_, rules) => {
    await expectAsGit(rules);
  });

  test('any rules in any order', async () => {
    const sign = fc.constantFrom('', '!', '^', '!^', '^!');
    const name = fc.constantFrom(
      'refs',
      'refs/heads',
      'refs/heads/one',
      'refs/pull/1',
      'refs/tags/',
      'HEAD',
      'refs/namespaces',
      NS,
      `${NS}refs/heads`,
      `${NS}refs/tags/v1`,
      `${NS}HEAD`,
      `${NS}refs/namespaces/sub`,
    );
    const rule = fc.tuple(sign, name).map((parts) => parts.join(''));
    await fc.assert(
      fc.asyncProperty(fc.array(rule, { minLength: 1, maxLength: 5 }), async (rules) => {
        await expectAsGit(rules);
      }),
      { numRuns: 80 },
    );
  });
});
