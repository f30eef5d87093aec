/** `--namespace`: part of the refs of each repository, served as if they were all. */
import path from 'node:path';
import { expect, test } from 'vitest';
import { gitIn } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { fsck, git, reachableObjects } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { startService } from '../support/service.ts';

test('a clone has what the namespace has', async () => {
  const root = temporaryDirectory();
  const source = createRepository(root, 'a.git');
  const history = new History();
  for (let i = 0; i < 4; i++) history.commit({ branch: 'main', files: { file: `${i}\n` } });
  history.importInto(source);
  git(source, ['update-ref', 'refs/namespaces/a/refs/namespaces/b/refs/heads/part', 'main~2']);
  git(source, [
    'symbolic-ref',
    'refs/namespaces/a/refs/namespaces/b/HEAD',
    'refs/namespaces/a/refs/namespaces/b/refs/heads/part',
  ]);
  const service = await startService(root, ['--namespace', 'a/b']);
  const url = `${service.url}/a.git`;
  const tip = git(source, ['rev-parse', 'main~2']);
  for (const version of ['0', '2']) {
    const listed = await gitIn(root, ['-c', `protocol.version=${version}`, 'ls-remote', '--symref', url]);
    expect(listed).toBe(`ref: refs/heads/part\tHEAD\n${tip}\tHEAD\n${tip}\trefs/heads/part\n`);
  }
  const parent = temporaryDirectory();
  await gitIn(parent, ['clone', '--mirror', url, 'clone']);
  const clone = path.join(parent, 'clone');
  fsck(clone);
  expect(reachableObjects(clone)).toEqual(
    git(source, ['rev-list', '--objects', '--no-object-names', 'main~2']).split('\n').sort(),
  );
});
