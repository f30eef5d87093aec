/** What the service says of git's configuration, and what a repository says over it. */
import path from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { git, runGit } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { startService } from '../support/service.ts';

const root = temporaryDirectory();
for (const name of ['plain.git', 'strict.git']) {
  const repository = createRepository(root, name);
  const history = new History();
  history.commit({ branch: 'main', files: { file: 'content\n' } });
  history.importInto(repository);
  git(repository, ['update-ref', 'refs/pull/1/head', 'main']);
}
git(path.join(root, 'strict.git'), ['config', 'uploadpack.allowFilter', 'false']);
git(path.join(root, 'strict.git'), ['config', 'transfer.hideRefs', '!refs/pull']);

test.each([
  ['flags', ['--git-config', 'uploadpack.allowFilter=true', '--git-config=transfer.hideRefs=refs/pull'], {}],
  ['a variable', [], { PACKHORSE_GIT_CONFIG: 'uploadpack.allowFilter\ntransfer.hideRefs=refs/pull\n' }],
])('%s count where the repository says nothing', async (_, flags, environment) => {
  const command = {
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'transfer.hideRefs',
    GIT_CONFIG_VALUE_0: 'refs',
  };
  const service = await startService(root, flags, { ...command, ...environment });
  const refsOf = async (name: string) => {
    const { stdout } = await runGit(root, ['ls-remote', `${service.url}/${name}`]);
    return stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t')[1]);
  };
  expect(await refsOf('plain.git')).toEqual(['HEAD', 'refs/heads/main']);
  expect(await refsOf('strict.git')).toEqual(['HEAD', 'refs/heads/main', 'refs/pull/1/head']);

  const blobsOf = async (name: string) => {
    const target = path.join(temporaryDirectory(), 'target');
    await runGit(root, [
      'clone',
      '--quiet',
      '--bare',
      '--filter=blob:none',
      `${service.url}/${name}`,
      target,
    ]);
    const lines = git(target, ['cat-file', '--batch-all-objects', '--batch-check=%(objecttype)']).split('\n');
    return lines.filter((line) => line === 'blob').length;
  };
  expect(await blobsOf('plain.git')).toBe(0);
  expect(await blobsOf('strict.git')).toBe(1);
  await service.stop();
});
