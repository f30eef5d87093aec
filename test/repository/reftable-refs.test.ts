/** Refs of repositories that keep them in reftables, as git 2.55 lists them. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { IndexFiles } from '../../src/repository/index-files.ts';
import { OBJECT_FORMATS } from '../../src/repository/object-format.ts';
import type { Refs } from '../../src/repository/refs.ts';
import type { ReftableRefs } from '../../src/repository/reftable-refs.ts';
import { Repository } from '../../src/repository/repository.ts';
import { RepositoryCaches } from '../../src/repository/repository-caches.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { copyFixture, expectedListing, REFTABLE_FIXTURES } from '../support/fixtures.ts';
import { git } from '../support/git.ts';
import { decodePackets } from '../support/requests.ts';
import { listRefs, openReftables } from './list-refs.ts';
import { PLAIN, type WrittenRef, writeReftable, writeStack } from './write-reftable.ts';

const A = 'a'.repeat(40);
const B = 'b'.repeat(40);

let directory: string;
beforeEach(() => {
  directory = temporaryDirectory();
});

/** What a fixture's `ls-refs` says of each ref, HEAD first. */
function expectedRefs(name: string, worktree?: string) {
  const lines = decodePackets(Buffer.from(expectedListing(name, worktree), 'latin1')).map(({ text }) => text);
  return lines.slice(0, -1).map((line) => {
    const [oid, name, ...rest] = line.split(' ');
    const value = (key: string) => rest.find((word) => word.startsWith(key))?.slice(key.length);
    return { name, oid, target: value('symref-target:'), peeled: value('peeled:') };
  });
}

async function everyRef(refs: Refs) {
  return [refs.resolve('HEAD'), ...(await listRefs(refs))];
}

function open(...tables: WrittenRef[][]): ReftableRefs {
  writeStack(
    directory,
    tables.map((refs) => writeReftable(refs, PLAIN).data),
  );
  return openReftables(directory);
}

describe('a repository of git 2.55', () => {
  it.each(REFTABLE_FIXTURES)('%s has the refs that git finds', async (name) => {
    const { refs } = Repository.open(copyFixture(directory, name), new RepositoryCaches());
    const expected = expectedRefs(name);
    expect(await everyRef(refs)).toEqual(expected);
    for (const ref of expected) expect(refs.resolve(ref.name)).toEqual(ref);
    const changes = await listRefs(refs, ['refs/changes/5', 'refs/heads/a', 'refs/tags/']);
    expect(changes).toEqual(expected.filter(({ name }) => /^refs\/(changes\/5|heads\/a|tags\/)/.test(name)));
  });

  it('has refs that a linked worktree does not share, as git finds them there', async () => {
    const common = copyFixture(directory, 'reftable-worktree');
    const { refs } = Repository.open(path.join(common, 'worktrees/linked'), new RepositoryCaches());
    const expected = expectedRefs('reftable-worktree', 'worktrees/linked');
    expect(await everyRef(refs)).toEqual(expected);
    for (const ref of expected) expect(refs.resolve(ref.name)).toEqual(ref);
    expect(refs.resolve('refs/bisect/bad')).toBeUndefined();
    expect(expectedRefs('reftable-worktree').map(({ name }) => name)).toContain('refs/bisect/bad');
  });

  it('may keep its refs in another place, those of worktrees too', async () => {
    const common = copyFixture(directory, 'reftable-worktree');
    const place = path.join(directory, 'place');
    fs.mkdirSync(path.join(place, 'worktrees/linked'), { recursive: true });
    for (const name of ['reftable', 'worktrees/linked/reftable']) {
      fs.renameSync(path.join(common, name), path.join(place, name));
    }
    const openAt = (value: string, repository = common) => {
      git(common, ['config', '--file', 'config', 'extensions.refStorage', value]);
      return Repository.open(repository, new RepositoryCaches()).refs;
    };
    for (const value of [`reftable://${place}`, 'reftable://../place']) {
      expect(await everyRef(openAt(value))).toEqual(expectedRefs('reftable-worktree'));
      expect(await everyRef(openAt(value, path.join(common, 'worktrees/linked')))).toEqual(
        expectedRefs('reftable-worktree', 'worktrees/linked'),
      );
    }
  });

  it('with a condition on the branch in its configuration has the one that the tables tell', () => {
    const repository = copyFixture(directory, 'reftable-sha1');
    fs.writeFileSync(path.join(repository, 'more'), '[lsrefs]\n\tunborn = ignore\n');
    git(repository, ['config', '--file', 'config', 'includeIf.onbranch:main.path', 'more']);
    const caches = new RepositoryCaches(undefined, { now: () => Date.now() + 60_000 });
    const setting = () => Repository.open(repository, caches).config.get('lsrefs.unborn');
    expect(setting()).toBe('ignore');
    const stack = path.join(repository, 'reftable');
    const table = writeReftable([{ name: 'HEAD', target: 'refs/heads/back' }], PLAIN).data;
    fs.writeFileSync(path.join(stack, 'new.ref'), table);
    fs.appendFileSync(path.join(stack, 'tables.list'), 'new.ref\n');
    expect(setting()).toBeUndefined();
  });
});

describe('HEAD', () => {
  it('stands in the tables: of a branch, unborn, detached', () => {
    const main = { name: 'refs/heads/main', oid: A };
    expect(open([{ name: 'HEAD', target: main.name }, main]).resolve('HEAD')).toMatchObject({
      oid: A,
      target: main.name,
    });
    expect(open([{ name: 'HEAD', target: main.name }]).resolve('HEAD')).toMatchObject({
      oid: undefined,
      target: main.name,
    });
    expect(
      open([{ name: 'HEAD', target: main.name }, main], [{ name: 'HEAD', oid: B }]).resolve('HEAD'),
    ).toEqual({
      name: 'HEAD',
      oid: B,
      target: undefined,
      peeled: undefined,
    });
    expect(open([main]).resolve('HEAD')).toBeUndefined();
  });
});

describe('names', () => {
  it('that are no refs are left out', async () => {
    const names = [
      'HEAD',
      'ORIG_HEAD',
      'refs/heads/a',
      'refs/heads/a..b',
      'refs/heads/x.lock',
      'refs/heads/\x7f',
      's',
    ];
    const refs = open([
      ...names.map((name) => ({ name, oid: A })),
      { name: 'refs/heads/zero', oid: '0'.repeat(40) },
      { name: 'refs/heads/bad-target', target: 'refs/heads/a..b' },
      { name: 'refs/heads/outside', target: 'ORIG_HEAD' },
    ]);
    expect((await listRefs(refs)).map(({ name }) => name)).toEqual(['refs/heads/a']);
    for (const name of ['ORIG_HEAD', 'refs/heads/a..b', 'refs/heads/zero']) {
      expect(refs.resolve(name)).toBeUndefined();
    }
  });

  it('are followed through symbolic refs as far as in files', async () => {
    const target = (i: number) => (i === 0 ? 'refs/heads/main' : `refs/heads/hop${i}`);
    const hops = Array.from({ length: 8 }, (_, i) => ({ name: target(i + 1), target: target(i) }));
    const refs = open([{ name: 'refs/heads/main', oid: A }, ...hops, { name: 'refs/a', target: 'refs/a' }]);
    git(directory, ['init', '-q', '--bare', 'files.git']);
    const files = path.join(directory, 'files.git');
    const tree = git(files, ['mktree'], { input: '' });
    git(files, ['update-ref', 'refs/heads/main', git(files, ['commit-tree', '-m', 'x', tree])]);
    for (const { name, target } of hops) git(files, ['symbolic-ref', name, target]);
    const listed = git(files, ['for-each-ref', '--format=%(refname)']).split('\n');
    expect((await listRefs(refs)).map(({ name }) => name)).toEqual(listed);
    expect(listed).toHaveLength(5);
  });

  it('that are short stand for what they stand for in files', () => {
    const names = ['refs/x', 'refs/tags/x', 'refs/heads/x', 'refs/remotes/x/HEAD'];
    const refs = open([{ name: 'HEAD', oid: B }, ...names.map((name) => ({ name, oid: A }))]);
    expect(refs.expand('x').map(({ name }) => name)).toEqual(names);
    expect(refs.expand('HEAD').map(({ name }) => name)).toEqual(['HEAD']);
    expect(refs.expand('heads/x').map(({ name }) => name)).toEqual(['refs/heads/x']);
  });
});

describe('a stack that changes', () => {
  /** Does something whenever a table is about to be opened. */
  class Watched extends IndexFiles {
    beforeOpen: ((file: string) => void) | undefined;
    override open(file: string) {
      this.beforeOpen?.(file);
      return super.open(file);
    }
  }

  it('while its tables are opened is read anew', async () => {
    open([{ name: 'refs/heads/a', oid: A }], [{ name: 'refs/heads/b', oid: A }]);
    const files = new Watched(2 ** 20);
    let opened = 0;
    files.beforeOpen = () => {
      if (++opened !== 2) return;
      const stack = path.join(directory, 'reftable');
      const merged = [
        { name: 'refs/heads/a', oid: B },
        { name: 'refs/heads/b', oid: B },
      ];
      fs.writeFileSync(path.join(stack, 'merged.ref'), writeReftable(merged, PLAIN).data);
      fs.writeFileSync(path.join(stack, 'tables.list'), 'merged.ref\n');
      for (const name of ['0x000000000001.ref', '0x000000000002.ref']) fs.rmSync(path.join(stack, name));
    };
    const refs = openReftables(directory, OBJECT_FORMATS.sha1, files);
    expect((await listRefs(refs)).map(({ name, oid }) => [name, oid])).toEqual([
      ['refs/heads/a', B],
      ['refs/heads/b', B],
    ]);
    expect(opened).toBe(3);
  });

  it('without end is given up on', () => {
    open([{ name: 'HEAD', oid: A }]);
    const files = new Watched(2 ** 20);
    let changes = 0;
    files.beforeOpen = (file) => {
      fs.rmSync(file, { force: true });
      fs.writeFileSync(path.join(path.dirname(file), 'tables.list'), `${++changes}.ref\n`);
    };
    expect(() => openReftables(directory, OBJECT_FORMATS.sha1, files).resolve('HEAD')).toThrow(
      expect.objectContaining({ code: 'PACKHORSE_REPOSITORY_CORRUPT' }),
    );
    expect(changes).toBe(100);
  });

  it('behind a request does not change what that sees', async () => {
    const refs = open([{ name: 'refs/heads/a', oid: A }]);
    expect(refs.resolve('refs/heads/a')?.oid).toBe(A);
    expect(open([{ name: 'refs/heads/b', oid: B }]).resolve('refs/heads/a')).toBeUndefined();
    expect((await listRefs(refs)).map(({ name }) => name)).toEqual(['refs/heads/a']);
  });

  it('is given way to at each prefix and now and then among the refs', async () => {
    const many = Array.from({ length: 200 }, (_, i) => ({ name: `refs/heads/${1000 + i}`, oid: A }));
    const refs = open(many);
    let pauses = 0;
    const pause = async () => void pauses++;
    await listRefs(refs, ['refs/none/', 'refs/tags/'], pause);
    expect(pauses).toBe(2);
    await listRefs(refs, [], pause);
    expect(pauses).toBeGreaterThanOrEqual(2 + 1 + 6);
    const enough = () => {
      throw new Error('enough');
    };
    await expect(listRefs(refs, [], enough)).rejects.toThrow('enough');
  });
});

it.each(['reftable', 'reftable/tables.list'])('tables out of the root are not read: %s', (name) => {
  const repository = copyFixture(directory, 'reftable-sha1');
  const outside = path.join(temporaryDirectory(), 'moved');
  fs.renameSync(path.join(repository, name), outside);
  fs.symlinkSync(outside, path.join(repository, name));
  const allowed = (real: string) => real.startsWith(directory);
  expect(() => Repository.open(repository, new RepositoryCaches(), { allowed })).toThrow(
    expect.objectContaining({ code: 'PACKHORSE_REPOSITORY_NOT_FOUND' }),
  );
});
