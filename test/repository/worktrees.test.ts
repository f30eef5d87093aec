/** Linked worktrees and repositories with their git directory elsewhere: git says what they show. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { advertisedByGit, advertisedByPackhorse, askGit, askPackhorse } from '../support/ask-git.ts';
import { clone, expectSameBranches, expectSameHistory, headOf } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git, runGit } from '../support/git.ts';
import { addCommit, createRepository, History } from '../support/history.ts';
import { encodeRequest } from '../support/requests.ts';
import { type RunningService, startService } from '../support/service.ts';

const root = temporaryDirectory();
let service: RunningService;

/** `name` with two linked worktrees, `name-one` on branch `one` and `name-two` at no branch, each with refs of its own. */
function makeWorktrees(name: string): string {
  const main = createRepository(root, `${name}.git`);
  const history = new History();
  for (let n = 0; n < 5; n++) history.commit({ branch: 'main', files: { file: `${n}\n` } });
  history.importInto(main);
  git(main, ['branch', 'one', 'main~1']);
  git(main, ['tag', '-a', '-m', 'tag', 'v1', 'main~3']);
  git(main, ['worktree', 'add', '--quiet', `../${name}-one`, 'one']);
  git(main, ['worktree', 'add', '--quiet', '--detach', `../${name}-two`, 'main~2']);
  for (const [directory, commit] of [
    [main, 'main'],
    [path.join(root, `${name}-one`), 'main~1'],
    [path.join(root, `${name}-two`), 'main~2'],
  ]) {
    for (const kind of ['bisect', 'worktree', 'rewritten']) {
      git(directory, ['update-ref', `refs/${kind}/${path.basename(directory)}`, commit]);
      git(directory, ['update-ref', `refs/${kind}/same/name`, commit]);
    }
  }
  return main;
}

const LISTINGS: readonly (readonly [string, readonly string[]])[] = [
  ['everything', ['symrefs', 'peel']],
  ['HEAD', ['symrefs', 'ref-prefix HEAD']],
  ['what is its own', ['ref-prefix refs/bisect/', 'ref-prefix refs/worktree/s']],
  ['a part of what is its own', ['ref-prefix refs/rewritten/same/name']],
  ['what begins with the same letter', ['ref-prefix refs/b', 'ref-prefix refs/h']],
];

beforeAll(async () => {
  makeWorktrees('a');
  service = await startService(root);
});

describe('a linked worktree', () => {
  const places = ['a.git', 'a-one', 'a-two', 'a-one/.git', 'a.git/worktrees/a-two'];
  test.each(places.flatMap((place) => LISTINGS.map(([what, args]) => [place, what, args] as const)))(
    '%s shows of %s what git shows',
    async (place, _, args) => {
      const directory = path.join(root, place);
      const request = encodeRequest('ls-refs', args);
      expect(await askPackhorse(directory, request)).toBe(askGit(directory, request));
    },
  );

  test.each(places)('%s shows in protocol v0 what git shows', async (place) => {
    const directory = path.join(root, place);
    expect(await advertisedByPackhorse(directory)).toBe(advertisedByGit(directory));
  });

  test('shows its own HEAD, and of its refs only those that it has', async () => {
    const lines = (await askPackhorse(path.join(root, 'a-one'), encodeRequest('ls-refs', ['symrefs'])))
      .split('\n')
      .map((line) => line.slice(45));
    expect(lines).toContain('HEAD symref-target:refs/heads/one');
    expect(lines).toContain('refs/worktree/a-one');
    expect(lines).not.toContain('refs/worktree/a.git');
  });

  test('shows its own refs where the others have none', async () => {
    const main = makeWorktrees('lone');
    for (const kind of ['bisect', 'worktree', 'rewritten']) {
      fs.rmSync(path.join(main, 'refs', kind), { recursive: true });
    }
    const directory = path.join(root, 'lone-one');
    for (const [, args] of LISTINGS) {
      const request = encodeRequest('ls-refs', args);
      expect(await askPackhorse(directory, request)).toBe(askGit(directory, request));
    }
  });

  test('shows the same when refs are packed', async () => {
    const main = makeWorktrees('packed');
    git(main, ['pack-refs', '--all']);
    git(main, ['branch', 'younger', 'main~1']);
    const request = encodeRequest('ls-refs', ['symrefs', 'peel']);
    for (const place of ['packed.git', 'packed-one', 'packed-two']) {
      const directory = path.join(root, place);
      expect(await askPackhorse(directory, request)).toBe(askGit(directory, request));
    }
  });

  test('can be cloned, and fetched from', async () => {
    const directory = await clone(service, 'a-one', []);
    expectSameBranches(path.join(root, 'a.git'), directory);
    expect(headOf(directory)).toBe('refs/heads/one');
    addCommit(path.join(root, 'a-one'), 'one', { new: 'content\n' });
    expect((await runGit(directory, ['fetch', '--quiet'])).code).toBe(0);
    expectSameBranches(path.join(root, 'a.git'), directory);
  });

  test('can be cloned by the dumb protocol', async () => {
    const dumb = await startService(root, ['--dumb-http']);
    const target = path.join(temporaryDirectory(), 'clone');
    const { code } = await runGit(root, ['clone', '--quiet', '--bare', `${dumb.url}/a-two`, target], {
      GIT_SMART_HTTP: '0',
    });
    expect(code).toBe(0);
    expect(git(target, ['rev-parse', 'HEAD'])).toBe(git(path.join(root, 'a-two'), ['rev-parse', 'HEAD']));
  });

  test('of a shallow clone is shallow', async () => {
    git(root, ['clone', '--quiet', '--bare', '--depth=2', `file://${root}/a.git`, 'cut.git']);
    git(path.join(root, 'cut.git'), ['worktree', 'add', '--quiet', '--detach', '../cut-one', 'main']);
    const head = git(path.join(root, 'cut-one'), ['rev-parse', 'HEAD']);
    const request = encodeRequest('fetch', [`want ${head}`, 'no-progress', 'done']);
    const [ours, theirs] = [
      await askPackhorse(path.join(root, 'cut-one'), request),
      askGit(path.join(root, 'cut-one'), request),
    ].map((answer) => answer.slice(0, answer.indexOf('packfile')));
    expect(ours).toBe(theirs);
    expect(ours).toContain('shallow ');
  });
});

describe('a repository whose git directory is elsewhere', () => {
  test('is cloned by the file that says where', async () => {
    const work = path.join(root, 'apart');
    git(root, ['init', '--quiet', '--initial-branch=main', `--separate-git-dir=${root}/kept.git`, work]);
    const history = new History();
    history.commit({ branch: 'main', files: { file: 'content\n' } });
    history.importInto(work);
    expect(fs.statSync(path.join(work, '.git')).isFile()).toBe(true);
    expectSameHistory(work, await clone(service, 'apart'));
    expectSameHistory(work, await clone(service, 'apart/.git'));
  });

  test('is cloned as the submodule of another', async () => {
    const source = createRepository(root, 'library.git');
    const history = new History();
    history.commit({ branch: 'main', files: { code: 'of the library\n' } });
    history.importInto(source);
    const parent = path.join(root, 'parent');
    git(root, ['init', '--quiet', '--initial-branch=main', parent]);
    const flags = ['-c', 'protocol.file.allow=always'];
    git(parent, [...flags, 'submodule', '--quiet', 'add', `file://${source}`, 'library']);
    expect(fs.statSync(path.join(parent, 'library/.git')).isFile()).toBe(true);
    const directory = await clone(service, 'parent/library', []);
    expect(git(directory, ['rev-parse', 'HEAD'])).toBe(git(source, ['rev-parse', 'main']));
  });

  test('is not found where that is outside of the root', async () => {
    const outside = temporaryDirectory();
    git(outside, ['init', '--quiet', '--bare', 'hidden.git']);
    fs.mkdirSync(path.join(root, 'escape'));
    fs.writeFileSync(path.join(root, 'escape/.git'), `gitdir: ${outside}/hidden.git\n`);
    const { code, stderr } = await runGit(root, ['ls-remote', `${service.url}/escape`]);
    expect(code).not.toBe(0);
    expect(stderr).toContain('not found');
  });
});
