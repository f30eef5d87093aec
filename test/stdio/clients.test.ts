/** The real git with `packhorse upload-pack` in place of its own: what it gets is what it would have got. */
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { expectSameHistory, expectSameRepository, gitIn, refsOf } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { buildExecutable } from '../support/executable.ts';
import { fsck, git } from '../support/git.ts';
import { addCommit, createRepository, History } from '../support/history.ts';

let uploadPack: string;

beforeAll(() => {
  uploadPack = `${process.execPath} ${buildExecutable()} upload-pack`;
});

function createSource(): string {
  const source = createRepository(temporaryDirectory(), 'source.git');
  const history = new History();
  for (let n = 0; n < 20; n++) {
    const text = Array.from({ length: 200 }, (_, line) => `line ${line * (n + 1)}\n`).join('');
    history.commit({ branch: n % 5 === 4 ? 'side' : 'main', files: { [`dir/file${n % 4}`]: text } });
  }
  history.tag('v1', ':7');
  history.importInto(source);
  git(source, ['config', 'uploadpack.allowFilter', 'true']);
  return source;
}

describe.each([0, 1, 2])('version %i', (version) => {
  const speaking = ['-c', `protocol.version=${version}`];

  async function clone(source: string, ...flags: string[]): Promise<string> {
    const parent = temporaryDirectory();
    const program = `--upload-pack=${uploadPack}`;
    await gitIn(parent, [...speaking, 'clone', program, ...flags, `file://${source}`, 'clone']);
    return path.join(parent, 'clone');
  }

  async function fetch(clone: string, ...flags: string[]): Promise<void> {
    await gitIn(clone, [...speaking, 'fetch', `--upload-pack=${uploadPack}`, ...flags, 'origin']);
  }

  test('clone, and fetches of what came since', async () => {
    const source = createSource();
    const mirror = await clone(source, '--mirror');
    expectSameRepository(source, mirror);
    for (const branch of ['main', 'side']) {
      addCommit(source, branch, { [`new on ${branch}`]: `${branch}\n` });
      await fetch(mirror, '--prune');
      expectSameHistory(source, mirror);
    }
    // Nothing new is an answer too.
    await fetch(mirror);
    expect(refsOf(mirror)).toEqual(refsOf(source));
  });

  test('an empty repository', async () => {
    const source = createRepository(temporaryDirectory(), 'empty.git');
    const mirror = await clone(source, '--mirror');
    expect(refsOf(mirror)).toEqual([]);
    // Which branch is to come is told in version 2.
    if (version === 2) expect(git(mirror, ['symbolic-ref', 'HEAD'])).toBe('refs/heads/main');
  });

  test('refs listed', async () => {
    const source = createSource();
    const list = (...flags: string[]) => gitIn(source, [...speaking, 'ls-remote', '--symref', ...flags, '.']);
    expect(await list(`--upload-pack=${uploadPack}`)).toBe(await list());
  });

  test('a shallow clone that is deepened', async () => {
    const source = createSource();
    const shallow = await clone(source, '--depth=2', '--no-tags', '--branch=main', '--single-branch');
    const depth = () => git(shallow, ['rev-list', '--count', 'origin/main']);
    expect(depth()).toBe('2');
    await fetch(shallow, '--deepen=3');
    expect(depth()).toBe('5');
    await fetch(shallow, '--unshallow');
    fsck(shallow);
    expect(depth()).toBe(git(source, ['rev-list', '--count', 'main']));
    expect(git(shallow, ['rev-parse', '--is-shallow-repository'])).toBe('false');
  });

  test('a clone without blobs, which come when they are looked at', async () => {
    const source = createSource();
    if (version !== 2) git(source, ['config', 'uploadpack.allowAnySHA1InWant', 'true']);
    const partial = await clone(source, '--filter=blob:none', '--no-checkout');
    const missing = () => git(partial, ['rev-list', '--objects', '--missing=print', 'HEAD']).match(/^\?/gm);
    expect(missing()?.length).toBeGreaterThan(0);
    await gitIn(partial, [...speaking, 'checkout', 'main']);
    expect(git(partial, ['ls-files', 'dir']).split('\n')).toHaveLength(4);
    expect(git(partial, ['status', '--porcelain'])).toBe('');
  });
});
