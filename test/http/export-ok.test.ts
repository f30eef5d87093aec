/** `--require-export-ok`: repositories are served that say so, as with `git daemon` and `git http-backend`. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { clone, expectSameRepository } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { send } from '../support/raw-client.ts';
import { startService } from '../support/service.ts';

const root = temporaryDirectory();
const source = createRepository(root, 'a.git');
const history = new History();
history.commit({ branch: 'main', files: { file: 'content\n' } });
history.importInto(source);
const mark = path.join(source, 'git-daemon-export-ok');
const refs = { path: '/a.git/info/refs?service=git-upload-pack', headers: { 'Git-Protocol': 'version=2' } };

test('a repository is there once it has the file', async () => {
  const service = await startService(root, ['--require-export-ok']);
  const before = await send(service, refs);
  expect(before.status).toBe(404);
  const nowhere = await send(service, { ...refs, path: '/b.git/info/refs?service=git-upload-pack' });
  expect(before.body).toEqual(nowhere.body);
  fs.writeFileSync(mark, '');
  expectSameRepository(source, await clone(service, 'a.git'));
  fs.rmSync(mark);
  expect((await send(service, refs)).status).toBe(404);
});

test('a worktree is there once it has a file of its own', async () => {
  git(source, ['worktree', 'add', '--quiet', '--detach', '../linked', 'main']);
  const service = await startService(root, [], { PACKHORSE_REQUIRE_EXPORT_OK: '1' });
  const linked = { ...refs, path: '/linked/info/refs?service=git-upload-pack' };
  fs.writeFileSync(mark, '');
  expect((await send(service, refs)).status).toBe(200);
  expect((await send(service, linked)).status).toBe(404);
  fs.writeFileSync(path.join(source, 'worktrees/linked/git-daemon-export-ok'), '');
  expect((await send(service, linked)).status).toBe(200);
});

test('without the flag, all are there', async () => {
  const service = await startService(root);
  fs.rmSync(mark, { force: true });
  expect((await send(service, refs)).status).toBe(200);
});
