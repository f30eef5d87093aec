/** The cases of git's t5703 (ref-in-want) that take a client: refs wanted by name, also while they move. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { clone, expectSameBranches, gitIn } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { fsck, git, runGit } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { type OneTimeProxy, startOneTimeProxy } from '../support/one-time-proxy.ts';
import { type RunningService, startService } from '../support/service.ts';

const root = temporaryDirectory();
const NAME = 'repo.git';
/** Of the client's own: so many that negotiation takes more than one round. */
const OWN_COMMITS = 33;
let service: RunningService;
let proxy: OneTimeProxy;
let source: string;
let pristine: string;

beforeAll(async () => {
  service = await startService(root);
  proxy = await startOneTimeProxy(service);
  source = createRepository(root, NAME);
  const first = new History();
  first.commit({ branch: 'main', files: { a: 'a' } });
  first.importInto(source);
  pristine = await clone(service, NAME, ['--quiet']);
  const own = new History(1000);
  own.commit({ branch: 'side', from: 'refs/heads/main^0', files: { s: '0' } });
  for (let i = 1; i < OWN_COMMITS; i++) own.commit({ branch: 'side', files: { s: `${i}` } });
  own.importInto(pristine);
  const more = new History(100);
  const base = 'refs/heads/main^0';
  const b = more.commit({ branch: 'o/foo', from: base, files: { b: 'b' } });
  more.commit({ branch: 'o/foo', from: b, files: { c: 'c' } });
  more.commit({ branch: 'o/bar', from: b, files: { d: 'd' } });
  more.commit({ branch: 'baz', from: base, files: { e: 'e' } });
  const f = more.commit({ branch: 'main', from: base, files: { f: 'f' } });
  more.commit({ branch: 'main', from: f, files: { g: 'g' } });
  more.importInto(source);
});

let local: string;
let trace: string;
beforeEach(() => {
  local = path.join(temporaryDirectory(), 'local');
  trace = path.join(temporaryDirectory(), 'trace');
  fs.cpSync(pristine, local, { recursive: true });
  offer(true);
});

const offer = (value: boolean) => git(source, ['config', 'uploadpack.allowRefInWant', `${value}`]);
const idOf = (name: string) => git(source, ['rev-parse', name]);
const localId = (name: string) => git(local, ['rev-parse', name]);
function fetchFrom(url: string, args: readonly string[] = []) {
  git(local, ['remote', 'set-url', 'origin', `${url}/${NAME}`]);
  return runGit(local, ['fetch', '--quiet', 'origin', ...args], { GIT_TRACE_PACKET: trace });
}
/** What the client said it wants, each once. */
function wants(): string[] {
  const said = [...fs.readFileSync(trace, 'latin1').matchAll(/> (want(?:-ref)? .*)$/gm)];
  return [...new Set(said.map(([, line]) => line))];
}

describe('refs by name', () => {
  test.each<[title: string, refspecs: () => string[], wanted: () => string[], got: [string, string][]]>([
    [
      'an id',
      () => [`${idOf('o/bar')}:refs/heads/actual`],
      () => [`want ${idOf('o/bar')}`],
      [['refs/heads/actual', 'o/bar']],
    ],
    [
      'several refs',
      () => ['main', 'baz'],
      () => ['want-ref refs/heads/main', 'want-ref refs/heads/baz'],
      [
        ['origin/main', 'main'],
        ['origin/baz', 'baz'],
      ],
    ],
    [
      'a ref and an id',
      () => ['main', `${idOf('o/foo~1')}:refs/heads/actual`],
      () => ['want-ref refs/heads/main', `want ${idOf('o/foo~1')}`],
      [
        ['origin/main', 'main'],
        ['refs/heads/actual', 'o/foo~1'],
      ],
    ],
    [
      'a pattern',
      () => ['refs/heads/o*:refs/heads/o*'],
      () => ['want-ref refs/heads/o/bar', 'want-ref refs/heads/o/foo'],
      [
        ['o/foo', 'o/foo'],
        ['o/bar', 'o/bar'],
      ],
    ],
  ])('%s', async (_, refspecs, wanted, got) => {
    expect(await fetchFrom(service.url, refspecs())).toMatchObject({ code: 0, stderr: '' });
    expect(wants().sort()).toEqual(wanted().sort());
    expect(got.map(([here]) => localId(here))).toEqual(got.map(([, there]) => idOf(there)));
    fsck(local);
  });

  test('a pattern that fits nothing', async () => {
    const result = await fetchFrom(service.url, ['refs/heads/none*:refs/heads/*']);
    expect(result).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test.each([[['--depth=1']], [['--depth=1', '--no-single-branch']]])(
    'a shallow clone, which dies with stock git: %j',
    async (flags) => {
      const target = await clone(service, NAME, flags);
      expect(await gitIn(target, ['rev-parse', 'origin/main'])).toBe(`${idOf('main')}\n`);
      expect(await gitIn(target, ['rev-list', '--count', 'origin/main'])).toBe('1\n');
      await gitIn(target, [
        'fetch',
        '--quiet',
        '--unshallow',
        'origin',
        '+refs/heads/*:refs/remotes/origin/*',
      ]);
      expectSameBranches(source, target);
    },
  );
});

describe('refs that move between two requests', () => {
  const ABSENT = '1'.repeat(40);

  test('to what is not there any more, wanted by id', async () => {
    offer(false);
    proxy.change(idOf('main'), ABSENT);
    const { code, stderr } = await fetchFrom(proxy.url);
    expect(code).not.toBe(0);
    expect(stderr).toContain(`fatal: remote error: upload-pack: not our ref ${ABSENT}`);
  });

  test('to what is not there any more, wanted by name', async () => {
    proxy.change(idOf('main'), ABSENT);
    expect(await fetchFrom(proxy.url)).toMatchObject({ code: 0 });
    expect(localId('origin/main')).toBe(idOf('main'));
  });

  test('forward, wanted by id', async () => {
    offer(false);
    proxy.change(idOf('main'), idOf('main^'));
    expect(await fetchFrom(proxy.url)).toMatchObject({ code: 0 });
    expect(localId('origin/main')).toBe(idOf('main^'));
  });

  test('forward, wanted by name', async () => {
    proxy.change(idOf('main'), idOf('main^'));
    expect(await fetchFrom(proxy.url)).toMatchObject({ code: 0 });
    expect(localId('origin/main')).toBe(idOf('main'));
  });

  test('away', async () => {
    proxy.change('refs/heads/main', 'refs/heads/rain');
    const { code, stderr } = await fetchFrom(proxy.url);
    expect(code).not.toBe(0);
    expect(stderr).toContain('fatal: remote error: unknown ref refs/heads/rain');
  });
});
