/** Serving a partial clone: what may be missing, and what may not. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { count } from '../../src/pack/count.ts';
import { parseFilter } from '../../src/pack/filter.ts';
import { planFilter } from '../../src/pack/filter-plan.ts';
import { Pace } from '../../src/pack/pace.ts';
import { SparsePatterns } from '../../src/pack/sparse-patterns.ts';
import { promisorRemotes } from '../../src/repository/promisor-remotes.ts';
import { Repository } from '../../src/repository/repository.ts';
import { RepositoryCaches } from '../../src/repository/repository-caches.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { GIT_ENVIRONMENT, git, gitBytes } from '../support/git.ts';
import { createRepository, History, unpackAll } from '../support/history.ts';

const root = temporaryDirectory();
let source: string;

beforeAll(() => {
  source = createRepository(root, 'source.git');
  const history = new History();
  for (let n = 0; n < 12; n++) {
    history.commit({
      branch: 'main',
      files: { [`d${n % 3}/f${n}`]: `${n}\n`, large: `${n}\n`.repeat(500), same: 'same\n' },
    });
  }
  history.importInto(source);
  git(source, ['config', 'uploadpack.allowFilter', 'true']);
});

function makePartial(name: string, filter: string): string {
  git(root, ['clone', '--quiet', '--bare', `--filter=${filter}`, `file://${source}`, name]);
  return path.join(root, name);
}

interface Asked {
  readonly wants?: readonly string[];
  readonly haves?: readonly string[];
  readonly filter?: string;
  readonly missingPromised?: boolean;
}

async function countedByUs(
  directory: string,
  { wants = ['main'], haves = [], filter, missingPromised = true }: Asked = {},
): Promise<string[]> {
  const { objects } = Repository.open(directory, new RepositoryCaches());
  const numbers = (names: readonly string[]) =>
    names.map((name) => objects.view.findHex(git(directory, ['rev-parse', name])));
  const patternsOf = (blob: string) => new SparsePatterns(git(directory, ['cat-file', 'blob', blob]));
  const request = {
    wants: numbers(wants),
    haves: numbers(haves),
    grafts: new Set<number>(),
    includeTags: [],
    filter: filter === undefined ? undefined : planFilter(parseFilter(filter), patternsOf),
    missingPromised,
  };
  const counted = await count(objects, request, 'absent', new Pace(), () => {});
  return Array.from(counted.objects, (number) => objects.view.hex(number)).sort();
}

/** What git packs when it is allowed to leave out what was promised. */
function packedByGit(directory: string, { wants = ['main'], haves = [], filter }: Asked = {}): string[] {
  const args = ['pack-objects', '--revs', '--stdout', '-q', '--missing=allow-promisor'];
  if (filter) args.push(`--filter=${filter}`);
  const input = [...wants, '--not', ...haves, ''].join('\n');
  const env = { ...GIT_ENVIRONMENT, GIT_NO_LAZY_FETCH: '1' };
  const pack = gitBytes(directory, args, { input, env });
  const target = createRepository(temporaryDirectory(), 'target.git');
  git(target, ['index-pack', '--stdin'], { input: pack });
  return git(target, ['cat-file', '--batch-all-objects', '--batch-check=%(objectname)']).split('\n').sort();
}

const missing = expect.objectContaining({ code: 'PACKHORSE_OBJECT_MISSING' });

describe('of a clone without blobs', () => {
  test('all is counted that is there, as by git', async () => {
    const partial = makePartial('blobless.git', 'blob:none');
    expect(await countedByUs(partial)).toEqual(packedByGit(partial));
    expect(await countedByUs(partial)).toHaveLength(12 * 3);
    expect(await countedByUs(partial, { haves: ['main~4'] })).toEqual(
      packedByGit(partial, { haves: ['main~4'] }),
    );
    await expect(countedByUs(partial, { missingPromised: false })).rejects.toEqual(missing);
  });

  test('nothing is missing for a client that wants no blobs either', async () => {
    const partial = makePartial('blobless-twice.git', 'blob:none');
    const asked = { filter: 'blob:none', missingPromised: false };
    expect(await countedByUs(partial, asked)).toEqual(packedByGit(partial, asked));
  });
});

test('of a clone without large blobs, the small ones are counted', async () => {
  const partial = makePartial('small.git', 'blob:limit=100');
  const ours = await countedByUs(partial);
  expect(ours).toEqual(packedByGit(partial));
  expect(ours).toContain(git(partial, ['rev-parse', 'main:same']));
  expect(await countedByUs(partial, { filter: 'blob:limit=3' })).toEqual(
    packedByGit(partial, { filter: 'blob:limit=3' }),
  );
});

test('of a clone without large blobs, those are counted that stand where a filter lets them', async () => {
  const partial = makePartial('paths.git', 'blob:limit=100');
  const input = '/large\n/d1/\n!f7\n';
  const patterns = git(partial, ['hash-object', '-w', '--stdin'], { input });
  for (const filter of ['tree:2', `sparse:oid=${patterns}`, `combine:tree:2+sparse:oid=${patterns}`]) {
    for (const haves of [[], ['main~4']]) {
      expect(await countedByUs(partial, { haves, filter })).toEqual(packedByGit(partial, { haves, filter }));
    }
    await expect(countedByUs(partial, { filter, missingPromised: false })).rejects.toEqual(missing);
  }
});

// git gives up ("bad tree object"), though its client could ask the promisor for them.
test('of a clone without deeper trees, those are left out', async () => {
  const partial = makePartial('flat.git', 'tree:1');
  const ours = await countedByUs(partial);
  expect(ours).toEqual(
    git(partial, ['cat-file', '--batch-all-objects', '--batch-check=%(objectname)']).split('\n').sort(),
  );
});

describe('of what was committed in a partial clone', () => {
  /** A commit, in no promisor pack, whose tree names a blob that is missing. */
  function commitOnto(partial: string, blob: string): string {
    const here = git(partial, ['hash-object', '-w', '--stdin'], { input: 'here\n' });
    const tree = git(partial, ['mktree', '--missing'], {
      input: `100644 blob ${here}\there\n100644 blob ${blob}\tthere\n`,
    });
    const commit = git(partial, ['commit-tree', '-m', 'more', '-p', 'main', tree]);
    git(partial, ['update-ref', 'refs/heads/more', commit]);
    return here;
  }

  test('a blob is left out that a promisor pack names', async () => {
    const partial = makePartial('more.git', 'blob:none');
    const here = commitOnto(partial, git(source, ['rev-parse', 'main~5:large']));
    const asked = { wants: ['more'], haves: ['main'] };
    expect(await countedByUs(partial, asked)).toEqual(packedByGit(partial, asked));
    expect(await countedByUs(partial, { wants: ['more'] })).toContain(here);
  });

  test('a blob that no one promised is missed, as by git', async () => {
    const partial = makePartial('lost.git', 'blob:none');
    commitOnto(partial, '1'.repeat(40));
    const asked = { wants: ['more'], haves: ['main'] };
    expect(() => packedByGit(partial, asked)).toThrow();
    await expect(countedByUs(partial, asked)).rejects.toEqual(missing);
    await expect(countedByUs(partial, { wants: ['more'] })).rejects.toEqual(missing);
  });

  test('a blob is not promised by what is no promisor pack', async () => {
    const partial = makePartial('unmarked.git', 'blob:none');
    const packs = path.join(partial, 'objects/pack');
    for (const file of fs.readdirSync(packs)) {
      if (file.endsWith('.promisor')) fs.rmSync(path.join(packs, file));
    }
    expect(() => packedByGit(partial)).toThrow();
    await expect(countedByUs(partial)).rejects.toEqual(missing);
    unpackAll(partial);
    await expect(countedByUs(partial)).rejects.toEqual(missing);
  });
});

test.each<[string, readonly string[]]>([
  ['[remote "origin"]\n\tpromisor\n', ['origin']],
  ['[remote "a"]\n\tpromisor = true\n[remote "b.c"]\n\tpromisor = yes\n', ['a', 'b.c']],
  ['[remote "a"]\n\tpromisor = false\n[remote "b"]\n\turl = x\n', []],
  ['[remote "a"]\n\tpartialCloneFilter = blob:none\n', ['a']],
  ['[extensions]\n\tpartialClone = a\n[remote "a"]\n\tpromisor\n[remote "b"]\n\tpromisor\n', ['b', 'a']],
  ['[extensions]\n\tpartialClone = c\n', ['c']],
])('the promisor remotes of %j', (text, names) => {
  const directory = createRepository(temporaryDirectory(), 'a.git');
  fs.appendFileSync(path.join(directory, 'config'), text);
  expect(promisorRemotes(Repository.open(directory, new RepositoryCaches()).config)).toEqual(names);
});
