/** Which versions and extensions are read, and which are refused: by name, as git does. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { Repository } from '../../src/repository/repository.ts';
import { RepositoryCaches } from '../../src/repository/repository-caches.ts';
import { askPackhorse } from '../support/ask-git.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git, runGit } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { encodeRequest } from '../support/requests.ts';

const root = temporaryDirectory();
let count = 0;

function withConfig(text: string): string {
  const directory = path.join(root, `${++count}.git`);
  for (const part of ['objects', 'refs']) fs.mkdirSync(path.join(directory, part), { recursive: true });
  fs.writeFileSync(path.join(directory, 'HEAD'), 'ref: refs/heads/main\n');
  fs.writeFileSync(path.join(directory, 'config'), text);
  return directory;
}

function open(text: string): Repository {
  return Repository.open(withConfig(text), new RepositoryCaches());
}

const versioned = (version: number, extensions: string) =>
  `[core]\n\trepositoryFormatVersion = ${version}\n[extensions]\n\t${extensions}\n`;

const refused = (why: string) =>
  expect.objectContaining({
    code: 'PACKHORSE_REPOSITORY_UNSUPPORTED',
    message: expect.stringContaining(why),
  });

describe('an extension', () => {
  test.each(['noop', 'preciousObjects', 'worktreeConfig', 'partialClone = origin', 'unheardOf'])(
    'that any version may have, or that means nothing to it, is no matter in version 0: %s',
    async (extension) => {
      const text = versioned(0, extension);
      expect(open(text).format.name).toBe('sha1');
      expect((await runGit(withConfig(text), ['rev-parse', '--git-dir'])).code).toBe(0);
    },
  );

  // Those that the tests' git knows; later ones are below.
  test.each(['noop-v1', 'objectFormat = sha256'])(
    'of version 1 is refused in version 0: %s',
    async (extension) => {
      const text = versioned(0, extension);
      const name = extension.split(' ')[0].toLowerCase();
      const words = `repo version is 0, but v1-only extension found`;
      expect(() => open(text)).toThrow(refused(`${words}: ${name}`));
      const theirs = await runGit(withConfig(text), ['rev-parse', '--git-dir']);
      expect(theirs.stderr).toContain(words);
      expect(theirs.stderr).toContain(name);
    },
  );

  test.each([
    'compatObjectFormat = sha256',
    'refStorage = files',
    'refStorage = reftable',
    'relativeWorktrees',
    'submodulePathConfig',
  ])('of version 1 is refused in version 0 and taken in version 1: %s', (extension) => {
    const name = extension.split(' ')[0].toLowerCase();
    expect(() => open(versioned(0, extension))).toThrow(refused(name));
    expect(open(versioned(1, extension)).format.name).toBe('sha1');
  });

  test.each(['noop', 'noop-v1', 'preciousObjects', 'worktreeConfig = false', 'partialClone = origin'])(
    'is taken in version 1: %s',
    async (extension) => {
      const text = versioned(1, extension);
      expect(open(text).format.name).toBe('sha1');
      expect((await runGit(withConfig(text), ['rev-parse', '--git-dir'])).code).toBe(0);
    },
  );

  test('that no one knows is refused in version 1, and all of them named', async () => {
    const text = versioned(1, 'unheardOf\n\tnoop\n\tunSeen = 1');
    expect(() => open(text)).toThrow(refused('unknown repository extensions found: unheardof, unseen'));
    const { stderr } = await runGit(withConfig(text), ['rev-parse', '--git-dir']);
    expect(stderr).toMatch(/unknown repository extensions found:\s+unheardof\s+unseen/);
  });

  test.each([
    ['objectFormat = md5', "invalid value for 'extensions.objectformat': 'md5'"],
    ['compatObjectFormat = md5', "invalid value for 'extensions.compatobjectformat': 'md5'"],
    ['refStorage = Reftable', "invalid value for 'extensions.refstorage': 'Reftable'"],
    ['refStorage = sql', "invalid value for 'extensions.refstorage': 'sql'"],
  ])('with a value that is none is refused: %s', (extension, why) => {
    expect(() => open(versioned(1, extension))).toThrow(refused(why));
  });

  test('counts for nothing where no version is written', async () => {
    const text = '[extensions]\n\tobjectFormat = sha256\n\tunheardOf\n';
    expect(open(text).format.name).toBe('sha1');
    expect((await runGit(withConfig(text), ['rev-parse', '--git-dir'])).code).toBe(0);
  });
});

test('a version that is not known yet is refused', async () => {
  const words = 'Expected git repo version <= 1, found 2';
  expect(() => open(versioned(2, 'noop'))).toThrow(refused(words));
  expect((await runGit(withConfig(versioned(2, 'noop')), ['rev-parse', '--git-dir'])).stderr).toContain(
    words,
  );
});

describe('refs that are stored elsewhere', () => {
  const directory = createRepository(root, 'apart.git');
  const history = new History();
  history.commit({ branch: 'main', files: { file: 'content\n' } });
  history.importInto(directory);
  const request = encodeRequest('ls-refs', ['symrefs']);
  const refs = path.join(root, 'refs-of-apart');
  fs.cpSync(path.join(directory, 'refs'), path.join(refs, 'refs'), { recursive: true });
  fs.cpSync(path.join(directory, 'HEAD'), path.join(refs, 'HEAD'));
  fs.copyFileSync(path.join(refs, 'refs/heads/main'), path.join(refs, 'refs/heads/elsewhere'));
  git(directory, ['config', 'core.repositoryFormatVersion', '1']);

  test.each(['files://../refs-of-apart', `files://${refs}`])('are read there: %s', async (value) => {
    fs.appendFileSync(path.join(directory, 'config'), `[extensions]\n\trefStorage = ${value}\n`);
    const listed = await askPackhorse(directory, request);
    expect(listed).toContain('refs/heads/elsewhere\n');
    expect(listed).toContain('HEAD symref-target:refs/heads/main');
  });

  test('are those of a worktree, too', async () => {
    const worktree = path.join(root, 'linked.git');
    fs.mkdirSync(worktree);
    fs.writeFileSync(path.join(worktree, 'HEAD'), 'ref: refs/heads/unread\n');
    fs.writeFileSync(path.join(worktree, 'commondir'), directory);
    fs.mkdirSync(path.join(refs, 'worktrees/linked.git'), { recursive: true });
    fs.writeFileSync(path.join(refs, 'worktrees/linked.git/HEAD'), 'ref: refs/heads/elsewhere\n');
    const listed = await askPackhorse(worktree, request);
    expect(listed).toContain('HEAD symref-target:refs/heads/elsewhere');
  });

  test('are not read outside of what may be read', () => {
    const allowed = (real: string) => real.startsWith(directory);
    const opening = () => Repository.open(directory, new RepositoryCaches(), { allowed });
    expect(opening).toThrow(refused('no refs to be read'));
  });
});
