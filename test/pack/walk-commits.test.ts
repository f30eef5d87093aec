/** Which commits a walk finds: with a commit-graph that has corrected dates exactly what git finds, whatever the clocks. */
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CommitSource } from '../../src/pack/commit-source.ts';
import { Marks } from '../../src/pack/marks.ts';
import { Pace } from '../../src/pack/pace.ts';
import { walkCommits } from '../../src/pack/walk-commits.ts';
import type { ObjectReader } from '../../src/repository/object-reader.ts';
import { Repository } from '../../src/repository/repository.ts';
import { RepositoryCaches } from '../../src/repository/repository-caches.ts';
import { initBare } from '../repository/history.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { type GraphStep, graphStep, importSteps, writeGraph } from '../support/graphed.ts';

interface Found {
  readonly commits: string[];
  readonly trees: string[];
  /** Root trees that the client surely has. */
  readonly edges: string[];
}

async function walk(directory: string, wants: readonly string[], haves: readonly string[]): Promise<Found> {
  const repository = Repository.open(directory, new RepositoryCaches());
  const { objects } = repository;
  const { view } = objects;
  const numbers = (names: readonly string[]) => names.map((name) => view.findHex(idOf(directory, name)));
  const marks = new Marks(view);
  const source = new CommitSource(objects);
  const found = await walkCommits(source, numbers(wants), numbers(haves), marks, new Pace(), () => {});
  marks.wanted.subtract(marks.excluded);
  const hex = (list: Iterable<number>) => [...list].map((number) => view.hex(number)).sort();
  const all = { commits: hex(marks.wanted.toArray()), trees: hex(found.trees), edges: hex(found.edgeTrees) };
  repository.close();
  return all;
}

const idOf = (directory: string, name: string) => git(directory, ['rev-parse', `refs/heads/${name}`]);

/** The same from git, which looks at everything where it is asked for what lies between. */
function askGit(directory: string, wants: readonly string[], haves: readonly string[]): Found {
  const log = (...args: string[]) => {
    const text = git(directory, ['-c', 'core.commitGraph=false', 'log', ...args]);
    return text === '' ? [] : text.split('\n');
  };
  const had = new Set(haves.length > 0 ? log('--format=%H', ...haves) : []);
  const lines = log('--format=%H %T %P', ...wants).filter((line) => !had.has(line.slice(0, 40)));
  const rows = lines.map((line) => line.trim().split(' '));
  const edges = new Set(rows.flatMap(([, , ...parents]) => parents).filter((oid) => had.has(oid)));
  const treesOf = [...edges].map((oid) => git(directory, ['rev-parse', `${oid}^{tree}`]));
  return {
    commits: rows.map(([oid]) => oid).sort(),
    trees: rows.map(([, tree]) => tree).sort(),
    edges: [...new Set(treesOf)].sort(),
  };
}

function makeRepository(steps: readonly GraphStep[], flags: readonly string[] = []): string {
  const directory = temporaryDirectory();
  initBare(directory, flags);
  importSteps(directory, steps);
  return directory;
}

const picks = (min: number) => fc.array(fc.nat(40), { minLength: min, maxLength: 3 });

it('with a graph of everything, exactly what git finds', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(graphStep, { minLength: 2, maxLength: 40 }),
      picks(1),
      picks(0),
      fc.boolean(),
      async (steps, wanted, had, split) => {
        const directory = makeRepository(steps);
        writeGraph(directory, split ? ['--split'] : []);
        const names = (list: readonly number[]) => list.map((n) => `c${n % steps.length}`);
        expect(await walk(directory, names(wanted), names(had))).toEqual(
          askGit(directory, names(wanted), names(had)),
        );
      },
    ),
    { numRuns: 40 },
  );
});

it('with a graph of some, or without corrected dates, never less', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(graphStep, { minLength: 2, maxLength: 40 }),
      picks(1),
      picks(0),
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom(1, 2),
      async (steps, wanted, had, graphed, generations) => {
        const directory = temporaryDirectory();
        initBare(directory);
        importSteps(directory, steps.slice(0, graphed));
        writeGraph(directory, [], generations);
        if (graphed < steps.length) importSteps(directory, steps, graphed);
        const names = (list: readonly number[]) => list.map((n) => `c${n % steps.length}`);
        const found = await walk(directory, names(wanted), names(had));
        const reached = askGit(directory, names(wanted), []);
        const needed = askGit(directory, names(wanted), names(had));
        expect(found.commits).toEqual(expect.arrayContaining(needed.commits));
        expect(reached.commits).toEqual(expect.arrayContaining(found.commits));
      },
    ),
    { numRuns: 40 },
  );
});

describe('clocks that ran wrong', () => {
  /**
   *     0 -- .. -- 19 -- 20 (wanted)
   *                  \
   *                   21 -- .. -- 30 (had): made when the clock stood at 1970
   */
  const line: GraphStep[] = Array.from({ length: 21 }, (_, i) => ({ parents: i === 0 ? [] : [1], skew: 0 }));
  const behind = { parents: [1], skew: -1_700_000_000 };
  const steps = [...line, { parents: [2], skew: -1_700_000_000 }, ...Array.from({ length: 9 }, () => behind)];

  it('hide what the client has from a walk by dates, not from one by corrected dates', async () => {
    const directory = makeRepository(steps);
    const expected = askGit(directory, ['c20'], ['c30']);
    expect(expected.commits).toHaveLength(1);
    expect((await walk(directory, ['c20'], ['c30'])).commits).toHaveLength(21);
    writeGraph(directory);
    expect(await walk(directory, ['c20'], ['c30'])).toEqual(expected);
  });
});

describe('commits that the graph does not have', () => {
  const line: GraphStep[] = Array.from({ length: 10 }, (_, i) => ({ parents: i === 0 ? [] : [1], skew: 0 }));

  function makeGraphed(more: readonly GraphStep[]): string {
    const directory = makeRepository(line);
    writeGraph(directory);
    importSteps(directory, [...line, ...more], line.length);
    return directory;
  }

  it('are looked at before all that it has, however old they say they are', async () => {
    const directory = makeGraphed([{ parents: [1], skew: -1_700_000_000 }]);
    expect(await walk(directory, ['c9'], ['c10'])).toEqual({ commits: [], trees: [], edges: [] });
  });

  it('are looked at a little beyond what seems to be the end', async () => {
    const root = { parents: [], skew: 0 };
    const directory = makeGraphed([root, { parents: [1], skew: 0 }, { parents: [2], skew: -999 }]);
    const found = await walk(directory, ['c11'], ['c12']);
    expect(found).toEqual(askGit(directory, ['c11'], ['c12']));
    expect(found.commits).toHaveLength(1);
  });
});

describe('a stale graph', () => {
  const line: GraphStep[] = Array.from({ length: 8 }, (_, i) => ({ parents: i === 0 ? [] : [1], skew: 0 }));

  const prune = (directory: string) => git(directory, ['gc', '-q', '--prune=now']);

  it('of commits that are gone is as good as every other', async () => {
    const directory = makeRepository(line);
    writeGraph(directory);
    const graph = fs.readFileSync(path.join(directory, 'objects/info/commit-graph'));
    for (let i = 4; i < 8; i++) git(directory, ['update-ref', '-d', `refs/heads/c${i}`]);
    prune(directory);
    fs.rmSync(path.join(directory, 'objects/info/commit-graph'), { force: true });
    fs.writeFileSync(path.join(directory, 'objects/info/commit-graph'), graph);
    expect(await walk(directory, ['c3'], ['c1'])).toEqual(askGit(directory, ['c3'], ['c1']));
    expect(await walk(directory, ['c3'], [])).toEqual(askGit(directory, ['c3'], []));
  });
});

describe('what is not there', () => {
  const line: GraphStep[] = Array.from({ length: 8 }, (_, i) => ({ parents: i === 0 ? [] : [1], skew: 0 }));

  /** A repository with a graph of every commit, that has lost the object `name`. */
  function without(name: string): { directory: string; lost: string } {
    const source = makeRepository(line);
    writeGraph(source);
    const lost = git(source, ['rev-parse', name]);
    const kept = git(source, ['cat-file', '--batch-all-objects', '--batch-check=%(objectname)'])
      .split('\n')
      .filter((oid) => oid !== lost);
    const directory = temporaryDirectory();
    initBare(directory);
    git(source, ['pack-objects', '-q', path.join(directory, 'objects/pack/pack')], {
      input: `${kept.join('\n')}\n`,
    });
    for (const file of ['packed-refs', 'objects/info/commit-graph']) {
      git(source, ['pack-refs', '--all']);
      fs.copyFileSync(path.join(source, file), path.join(directory, file));
    }
    return { directory, lost };
  }

  it.each(['c4', 'c4^{tree}'])(
    'is missed on the wanted side, though the graph names it: %s',
    async (name) => {
      const { directory, lost } = without(name);
      await expect(walk(directory, ['c7'], ['c1'])).rejects.toThrow(`unable to read ${lost}`);
      expect((await walk(directory, ['c7'], ['c5'])).commits).toHaveLength(2);
    },
  );

  it('is passed over on the side of the client', async () => {
    const { directory } = without('c4');
    const { commits } = await walk(directory, ['c3'], ['c7']);
    // Nothing says that c7 goes back to c3.
    expect(commits).toHaveLength(4);
  });
});

describe('commits are read without their objects', () => {
  const line: GraphStep[] = Array.from({ length: 8 }, (_, i) => ({ parents: i === 0 ? [] : [1], skew: 0 }));

  /** The source of a repository whose pack has no bytes left that could be read. */
  function emptied(grafts: (objects: ObjectReader) => number[] = () => []) {
    const directory = makeRepository(line);
    git(directory, ['repack', '-q', '-ad']);
    writeGraph(directory);
    const repository = Repository.open(directory, new RepositoryCaches());
    const { objects } = repository;
    const pack = fs.readdirSync(path.join(directory, 'objects/pack')).find((name) => name.endsWith('.pack'))!;
    const file = path.join(directory, 'objects/pack', pack);
    const { size } = fs.statSync(file);
    fs.chmodSync(file, 0o600);
    const fd = fs.openSync(file, 'r+');
    fs.writeSync(fd, Buffer.alloc(size - 32), 0, size - 32, 12);
    fs.closeSync(fd);
    const number = (name: string) => objects.view.findHex(idOf(directory, name));
    return { source: new CommitSource(objects, new Set(grafts(objects))), objects, number, repository };
  }

  it('where the graph has them', () => {
    const { source, objects, number, repository } = emptied();
    const commit = source.read(number('c7'));
    expect(commit.parents).toEqual([number('c6')]);
    expect(commit.date).toBe(1_700_000_070);
    expect(source.type(number('c7'))).toBe(1);
    expect(source.peel(number('c7'))).toEqual({ tags: [], target: number('c7') });
    expect(() => objects.read(number('c7'))).toThrow('damaged');
    repository.close();
  });

  it('but not where some are taken to have no parents', () => {
    const { source, number, repository } = emptied((objects) => [
      objects.view.numberOf(objects.view.packs().next().value!.pack, 0),
    ]);
    expect(() => source.read(number('c7'))).toThrow('damaged');
    repository.close();
  });
});
