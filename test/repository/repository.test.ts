/** What a repository may be read from: its configuration with includes, and links. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { UploadPackV2 } from '../../src/index.ts';
import { REPOSITORY_ONLY } from '../../src/repository/read-config.ts';
import { Repository } from '../../src/repository/repository.ts';
import { RepositoryCaches } from '../../src/repository/repository-caches.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { encodeRequest } from '../support/requests.ts';

const caches = new RepositoryCaches();

function makeRepository(): { root: string; directory: string; open: () => Repository } {
  const root = temporaryDirectory();
  const directory = createRepository(root, 'a.git');
  const history = new History();
  history.commit({ branch: 'main', files: { file: 'content\n' } });
  history.importInto(directory);
  git(directory, ['branch', 'other', 'main']);
  const allowed = (real: string) => real === root || real.startsWith(`${root}${path.sep}`);
  return { root, directory, open: () => Repository.open(directory, caches, { allowed }) };
}

const unsupported = expect.objectContaining({ code: 'PACKHORSE_REPOSITORY_UNSUPPORTED' });

describe('includes', () => {
  it('are read where they stand, below the root', () => {
    const { root, directory, open } = makeRepository();
    fs.writeFileSync(path.join(root, 'common'), '[transfer]\n\thideRefs = refs/heads\n');
    git(directory, ['config', 'include.path', '../common']);
    git(directory, ['config', '--add', 'uploadpack.hideRefs', '!refs/heads/main']);
    const repository = open();
    const shown = ['refs/heads/main', 'refs/heads/other'].filter((name) => !repository.isHidden(name));
    const listed = git(root, ['ls-remote', '--heads', directory])
      .split('\n')
      .map((line) => line.split('\t')[1]);
    expect(shown).toEqual(listed);
    expect(shown).toEqual(['refs/heads/main']);
  });

  it('that are not there say nothing', () => {
    const { directory, open } = makeRepository();
    git(directory, ['config', 'include.path', 'nowhere']);
    expect(open().isHidden('refs/heads/main')).toBe(false);
  });

  it('outside of the root are refused', () => {
    const { directory, open } = makeRepository();
    const outside = path.join(temporaryDirectory(), 'common');
    fs.writeFileSync(outside, '[transfer]\n\thideRefs = refs\n');
    git(directory, ['config', 'include.path', outside]);
    expect(open).toThrow(unsupported);
  });

  it('on a condition are read when it holds', () => {
    const { root, directory, open } = makeRepository();
    fs.writeFileSync(path.join(root, 'common'), '[transfer]\n\thideRefs = refs/heads\n');
    git(directory, ['config', 'includeIf.onbranch:main.path', '../common']);
    expect(open().isHidden('refs/heads/main')).toBe(true);
    git(directory, ['symbolic-ref', 'HEAD', 'refs/heads/other']);
    expect(open().isHidden('refs/heads/main')).toBe(false);
  });

  it.each([
    ['by path', 'include.path', '/etc/passwd'],
    ['on a condition', 'includeIf.gitdir:a.git.path', '/etc/passwd'],
    ['below home', 'include.path', '~/.'],
  ])('outside of the root are refused: %s', (_, key, value) => {
    const { directory, open } = makeRepository();
    git(directory, ['config', key, value]);
    // Clients are not told which.
    const client = 'the configuration is outside of the directories that are served';
    expect(open).toThrow(expect.objectContaining({ client }));
  });

  it('outside of the root are refused also behind a link, and what they include', () => {
    const { root, directory, open } = makeRepository();
    const outside = temporaryDirectory();
    fs.writeFileSync(path.join(outside, 'x'), '');
    fs.writeFileSync(path.join(root, 'common'), '[include]\n\tpath = link/x\n');
    git(directory, ['config', 'include.path', '../common']);
    open();
    fs.symlinkSync(outside, path.join(root, 'link'));
    expect(open).toThrow('outside of the directories that are served');
  });

  it('of the service are read wherever they are, under what the repository says', () => {
    const { root, directory } = makeRepository();
    const outside = path.join(temporaryDirectory(), 'x');
    fs.writeFileSync(outside, '[transfer]\n\thideRefs = refs/heads\n');
    const config = { ...REPOSITORY_ONLY, defaults: [{ key: 'include.path', value: outside }] };
    const allowed = (real: string) => real.startsWith(root);
    git(directory, ['config', 'transfer.hideRefs', '!refs/heads/main']);
    const { isHidden } = Repository.open(directory, caches, { allowed, config });
    expect([isHidden('refs/heads/main'), isHidden('refs/heads/other')]).toEqual([false, true]);
  });

  it('of a worktree are confined too', () => {
    const { directory, open } = makeRepository();
    git(directory, ['config', 'extensions.worktreeConfig', 'true']);
    fs.symlinkSync('/etc/passwd', path.join(directory, 'config.worktree'));
    expect(open).toThrow('outside of the directories that are served');
  });

  it('that include themselves come to an end', () => {
    const { root, directory, open } = makeRepository();
    fs.writeFileSync(path.join(root, 'ring'), '[include]\n\tpath = ring\n');
    git(directory, ['config', 'include.path', '../ring']);
    expect(open).toThrow(unsupported);
  });
});

describe('the configuration', () => {
  const allowed = () => true;
  const open = (directory: string, known: RepositoryCaches) =>
    Repository.open(directory, known, { allowed }).config;
  /** For which files written now are old enough to be trusted. */
  const cachesOfLater = () => new RepositoryCaches(undefined, { now: () => Date.now() + 60_000 });

  it('is read once, and again when it or what it includes changes', () => {
    const { root, directory } = makeRepository();
    const known = cachesOfLater();
    const included = path.join(root, 'common');
    git(directory, ['config', 'include.path', '../common']);
    const first = open(directory, known);
    expect(open(directory, known)).toBe(first);
    fs.writeFileSync(included, '[lsrefs]\n\tunborn = ignore\n');
    const second = open(directory, known);
    expect(second.get('lsrefs.unborn')).toBe('ignore');
    expect(open(directory, known)).toBe(second);
    fs.utimesSync(included, 1, 1);
    expect(open(directory, known)).not.toBe(second);
    git(directory, ['config', 'lsrefs.unborn', 'allow']);
    expect(open(directory, known).get('lsrefs.unborn')).toBe('allow');
  });

  it('is not kept for other rules of what may be read, nor when it is too young', () => {
    const { directory } = makeRepository();
    const known = cachesOfLater();
    const first = open(directory, known);
    expect(Repository.open(directory, known, { allowed: () => true }).config).not.toBe(first);
    const young = new RepositoryCaches(undefined, { now: () => Date.now() });
    expect(open(directory, young)).not.toBe(open(directory, young));
  });
});

it('a ref whose name is not UTF-8 is hidden', () => {
  const { directory, open } = makeRepository();
  const text = Buffer.from('[transfer]\n\thideRefs = refs/heads/\xe9\n', 'latin1');
  fs.appendFileSync(path.join(directory, 'config'), text);
  expect(open().isHidden('refs/heads/\xe9')).toBe(true);
});

describe('links', () => {
  it.each(['objects/pack', 'refs', 'objects'])('out of the root are not followed: %s', (name) => {
    const { directory, open } = makeRepository();
    const outside = path.join(temporaryDirectory(), 'moved');
    fs.renameSync(path.join(directory, name), outside);
    fs.symlinkSync(outside, path.join(directory, name));
    expect(open).toThrow(expect.objectContaining({ code: 'PACKHORSE_REPOSITORY_NOT_FOUND' }));
  });

  it.each([
    ['objects/info/commit-graph', []],
    ['objects/info/commit-graphs', ['--split']],
  ])('out of the root are not followed: %s', (name, flags) => {
    const { directory, open } = makeRepository();
    git(directory, ['commit-graph', 'write', '--reachable', ...flags]);
    expect(open().objects.graph?.graph.count).toBe(1);
    const outside = path.join(temporaryDirectory(), 'moved');
    fs.renameSync(path.join(directory, name), outside);
    fs.symlinkSync(outside, path.join(directory, name));
    expect(open).toThrow(expect.objectContaining({ code: 'PACKHORSE_REPOSITORY_NOT_FOUND' }));
  });

  it('inside of the root are', () => {
    const { root, directory, open } = makeRepository();
    const inside = path.join(root, 'packs');
    fs.renameSync(path.join(directory, 'objects/pack'), inside);
    fs.symlinkSync(inside, path.join(directory, 'objects/pack'));
    const repository = open();
    expect(repository.objects.view.packCount).toBe(1);
    repository.close();
  });
});

describe('a directory that cannot be read', () => {
  it.each(['objects/pack', 'refs/heads'])('is an error, not an empty one: %s', async (name) => {
    const { directory } = makeRepository();
    fs.rmSync(path.join(directory, name), { recursive: true });
    // A link to itself fails with ELOOP, for root too.
    fs.symlinkSync(path.basename(name), path.join(directory, name));
    const listed = await new UploadPackV2(directory).feed(encodeRequest('ls-refs', []));
    expect(Buffer.from(listed).toString()).toMatch(/^....ERR /);
  });
});
