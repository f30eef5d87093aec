/** Commit-graphs say what the commits say. */
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GitConfig } from '../../src/repository/config.ts';
import { IndexFiles } from '../../src/repository/index-files.ts';
import { OBJECT_FORMATS } from '../../src/repository/object-format.ts';
import { openCommitGraph } from '../../src/repository/open-commit-graph.ts';
import { inOneGo } from '../../src/stretches.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { type GraphStep, graphStep, importSteps, writeGraph } from '../support/graphed.ts';
import {
  chainDirectory,
  commitsOf,
  expectSameAsGit,
  graphFile,
  makeRepository,
  open,
  STEPS,
  signed,
  writeAnew,
} from './commit-graphs.ts';
import { flip } from './corrupt.ts';
import { initBare } from './history.ts';

describe('one file', () => {
  it.each([
    ['corrected dates', 2, [], true],
    ['levels', 1, [], false],
    ['SHA-256', 2, ['--object-format=sha256'], true],
  ] as const)('says what the commits say: %s', (_, generations, flags, corrected) => {
    const directory = makeRepository(STEPS, flags);
    writeGraph(directory, [], generations);
    const { graph, problems } = open(directory);
    expect(problems).toEqual([]);
    expectSameAsGit(graph, commitsOf(directory));
    expect(graph?.hasGenerations).toBe(corrected);
  });

  it('of a date beyond 34 bits gives no generation numbers', () => {
    const directory = makeRepository([...STEPS, { parents: [1], skew: 2 ** 34 }, { parents: [1], skew: 0 }]);
    writeGraph(directory);
    const { graph, problems } = open(directory);
    expect(problems).toEqual([]);
    const commits = commitsOf(directory).map((commit) => ({ ...commit, date: commit.date % 2 ** 34 }));
    expect(graph?.hasGenerations).toBe(false);
    expectSameAsGit(graph, commits);
  });

  it('is seen when it is written anew', () => {
    const directory = makeRepository(STEPS);
    expect(open(directory).graph).toBeUndefined();
    writeGraph(directory);
    expect(open(directory).graph?.count).toBe(STEPS.length);
    importSteps(directory, [...STEPS, { parents: [1], skew: 0 }], STEPS.length);
    expect(open(directory).graph?.count).toBe(STEPS.length);
    writeGraph(directory);
    expectSameAsGit(open(directory).graph, commitsOf(directory));
  });

  it('is taken in place of a chain', () => {
    const directory = makeRepository(STEPS);
    writeGraph(directory);
    const single = fs.readFileSync(graphFile(directory));
    importSteps(directory, [...STEPS, { parents: [1], skew: 0 }], STEPS.length);
    writeGraph(directory, ['--split']);
    expect(open(directory).graph?.count).toBe(STEPS.length + 1);
    writeAnew(graphFile(directory), single);
    expect(open(directory).graph?.count).toBe(STEPS.length);
    writeAnew(graphFile(directory), single.subarray(0, -1));
    const { graph, problems } = open(directory);
    expect(graph?.count).toBe(STEPS.length + 1);
    expect(problems).toHaveLength(1);
  });

  it.each([
    ['core.commitGraph', 'false'],
    ['core.commitgraph', 'off'],
  ])('is not used where %s is %s', (key, value) => {
    const directory = makeRepository(STEPS);
    writeGraph(directory);
    git(directory, ['config', key, value]);
    expect(open(directory)).toEqual({ graph: undefined, problems: [] });
  });

  it('is used without corrected dates where the configuration says so', () => {
    const directory = makeRepository(STEPS);
    writeGraph(directory);
    git(directory, ['config', 'commitGraph.generationVersion', '1']);
    expect(open(directory).graph?.hasGenerations).toBe(false);
  });

  it('is not used in a shallow repository, be its list empty', () => {
    const directory = makeRepository(STEPS);
    writeGraph(directory);
    fs.writeFileSync(path.join(directory, 'shallow'), '');
    expect(open(directory)).toEqual({ graph: undefined, problems: [] });
  });
});

describe('a chain', () => {
  const later = (n: number): GraphStep[] => Array.from({ length: n }, () => ({ parents: [1, 9], skew: 0 }));

  /** Three layers: of all of STEPS, two more commits, three more. */
  function makeChain(generations = [2, 2, 2], flags: readonly string[] = []): string {
    const directory = makeRepository(STEPS, flags);
    writeGraph(directory, ['--split=no-merge'], generations[0]);
    importSteps(directory, [...STEPS, ...later(2)], STEPS.length);
    writeGraph(directory, ['--split=no-merge'], generations[1]);
    importSteps(directory, [...STEPS, ...later(5)], STEPS.length + 2);
    writeGraph(directory, ['--split=no-merge'], generations[2]);
    return directory;
  }

  const chainOf = (directory: string) =>
    fs
      .readFileSync(path.join(chainDirectory(directory), 'commit-graph-chain'), 'latin1')
      .trim()
      .split('\n');
  const layerFile = (directory: string, hash: string) =>
    path.join(chainDirectory(directory), `graph-${hash}.graph`);

  it.each([
    ['corrected dates', [2, 2, 2], [], true],
    ['levels', [1, 1, 1], [], false],
    ['a layer without corrected dates', [2, 1, 1], [], false],
    ['SHA-256', [2, 2, 2], ['--object-format=sha256'], true],
  ] as const)('says what the commits say: %s', (_, generations, flags, corrected) => {
    const directory = makeChain([...generations], flags);
    expect(chainOf(directory)).toHaveLength(3);
    const { graph, problems } = open(directory);
    expect(problems).toEqual([]);
    expect(graph?.hasGenerations).toBe(corrected);
    expectSameAsGit(graph, commitsOf(directory));
  });

  it.each([
    [0, 0],
    [1, STEPS.length],
    [2, STEPS.length + 2],
  ])('keeps what is below a layer that is gone or damaged: %i', (broken, kept) => {
    const directory = makeChain();
    const file = layerFile(directory, chainOf(directory)[broken]);
    const data = fs.readFileSync(file);
    const damages = [() => fs.rmSync(file), () => writeAnew(file, flip(data, data.length >> 1, 4))];
    for (const damage of damages) {
      damage();
      const { graph, problems } = open(directory);
      expect(graph?.count ?? 0).toBe(kept);
      expect(problems.join('\n')).toContain(chainOf(directory)[broken]);
    }
  });

  it('is followed up to a line that is no hash, or names another layer', () => {
    const directory = makeChain();
    const [first, second, third] = chainOf(directory);
    const name = path.join(chainDirectory(directory), 'commit-graph-chain');
    const countOf = (...lines: string[]) => {
      writeAnew(name, Buffer.from(lines.map((line) => `${line}\n`).join('')));
      const { graph, problems } = open(directory);
      return [graph?.count ?? 0, problems.length > 0];
    };
    expect(countOf(first, second, third)).toEqual([STEPS.length + 5, false]);
    expect(countOf(first, second)).toEqual([STEPS.length + 2, false]);
    expect(countOf(first, 'x', third)).toEqual([STEPS.length, true]);
    expect(countOf(first, third)).toEqual([STEPS.length, true]);
    expect(countOf(second, third)).toEqual([0, true]);
    expect(countOf(first, first)).toEqual([STEPS.length, true]);
    expect(countOf()).toEqual([0, false]);
  });

  it('does not stand on another layer of the same place', () => {
    const directory = makeChain();
    const [first] = chainOf(directory);
    const other = makeRepository([...STEPS.slice(0, 5), ...later(STEPS.length - 5)]);
    writeGraph(other, ['--split=no-merge']);
    const [foreign] = chainOf(other);
    fs.copyFileSync(layerFile(other, foreign), layerFile(directory, first));
    expect(open(directory).graph).toBeUndefined();
    const name = path.join(chainDirectory(directory), 'commit-graph-chain');
    fs.copyFileSync(layerFile(other, foreign), layerFile(directory, foreign));
    writeAnew(name, Buffer.from([foreign, ...chainOf(directory).slice(1), ''].join('\n')));
    const { graph, problems } = open(directory);
    expect(graph?.count).toBe(STEPS.length);
    expect(problems.join('\n')).toContain('other layers');
  });
});

it('a chain that is replaced while it is opened is read anew', () => {
  class RacingFiles extends IndexFiles {
    override open(name: string): ReturnType<IndexFiles['open']> {
      const file = super.open(name);
      if (name.endsWith('commit-graph-chain') && layers().length === 2) {
        writeGraph(directory, ['--split=replace', '--expire-time=2000-01-01']);
        for (const hash of old)
          fs.rmSync(path.join(chainDirectory(directory), `graph-${hash}.graph`), { force: true });
      }
      return file;
    }
  }
  const directory = makeRepository(STEPS);
  const layers = () =>
    fs
      .readFileSync(path.join(chainDirectory(directory), 'commit-graph-chain'), 'latin1')
      .trim()
      .split('\n');
  writeGraph(directory, ['--split=no-merge']);
  importSteps(directory, [...STEPS, { parents: [1], skew: 0 }], STEPS.length);
  writeGraph(directory, ['--split=no-merge']);
  const old = layers();
  const problems: string[] = [];
  const source = {
    directories: [path.join(directory, 'objects')],
    format: OBJECT_FORMATS.sha1,
    config: new GitConfig([]),
    files: new RacingFiles(2 ** 20),
    problems,
  };
  const graph = inOneGo(openCommitGraph(source));
  expect(layers()).toHaveLength(1);
  expect(problems).toEqual([]);
  expectSameAsGit(graph, commitsOf(directory));
});

it('a chain whose lower layer has no corrected dates has none', () => {
  const directory = makeRepository(STEPS);
  writeGraph(directory, ['--split=no-merge']);
  importSteps(directory, [...STEPS, { parents: [1], skew: 0 }], STEPS.length);
  writeGraph(directory, ['--split=no-merge']);
  const chain = path.join(chainDirectory(directory), 'commit-graph-chain');
  const layers = fs.readFileSync(chain, 'latin1').trim().split('\n');
  const [lower, upper] = layers.map((hash) =>
    fs.readFileSync(path.join(chainDirectory(directory), `graph-${hash}.graph`)),
  );
  const oldHash = lower.subarray(-20);
  const without = Buffer.from(lower);
  without.write('XXXX', lower.indexOf('GDA2', 8, 'latin1'));
  const newLower = signed(without);
  const moved = Buffer.from(upper);
  newLower.copy(moved, moved.indexOf(oldHash), newLower.length - 20);
  const names = [newLower, signed(moved)].map((data) => {
    const name = data.toString('hex', data.length - 20);
    fs.writeFileSync(path.join(chainDirectory(directory), `graph-${name}.graph`), data);
    return name;
  });
  writeAnew(chain, Buffer.from(`${names.join('\n')}\n`));
  const { graph, problems } = open(directory);
  expect(problems).toEqual([]);
  expect(graph?.hasGenerations).toBe(false);
  expectSameAsGit(graph, commitsOf(directory));
});

describe('alternates', () => {
  function borrow(from: string): string {
    const directory = path.join(temporaryDirectory(), 'borrower.git');
    git(from, ['clone', '-q', '--bare', '--shared', '.', directory]);
    return directory;
  }

  it('lend their graph, and layers of a chain', () => {
    const lender = makeRepository(STEPS);
    writeGraph(lender, ['--split']);
    const directory = borrow(lender);
    expectSameAsGit(open(directory).graph, commitsOf(directory));
    importSteps(directory, [...STEPS, { parents: [1, 2], skew: 0 }], STEPS.length);
    writeGraph(directory, ['--split=no-merge']);
    expect(fs.readdirSync(chainDirectory(directory))).toHaveLength(2);
    const { graph, problems } = open(directory);
    expect(problems).toEqual([]);
    expectSameAsGit(graph, commitsOf(directory));
  });

  it('come after what is their own, where that can be used', () => {
    const lender = makeRepository(STEPS);
    writeGraph(lender);
    const directory = borrow(lender);
    importSteps(directory, [...STEPS, { parents: [1, 2], skew: 0 }], STEPS.length);
    writeGraph(directory);
    expect(open(directory).graph?.count).toBe(STEPS.length + 1);
    writeAnew(graphFile(directory), Buffer.from('no graph'));
    const { graph, problems } = open(directory);
    expect(graph?.count).toBe(STEPS.length);
    expect(problems).toHaveLength(1);
  });
});

it('any history, in one file or in layers', () => {
  fc.assert(
    fc.property(
      fc.array(graphStep, { minLength: 1, maxLength: 40 }),
      fc.array(fc.nat(40), { maxLength: 2 }),
      fc.constantFrom(1, 2),
      fc.constantFrom('sha1', 'sha256'),
      (steps, cuts, generations, format) => {
        const directory = temporaryDirectory();
        initBare(directory, [`--object-format=${format}`]);
        let done = 0;
        for (const cut of [...cuts.sort((a, b) => a - b), steps.length]) {
          if (cut <= done || cut > steps.length) continue;
          importSteps(directory, steps.slice(0, cut), done);
          done = cut;
          if (cuts.length > 0) writeGraph(directory, ['--split=no-merge'], generations);
        }
        if (cuts.length === 0) writeGraph(directory, [], generations);
        const { graph, problems } = open(directory);
        expect(problems).toEqual([]);
        expect(graph?.hasGenerations).toBe(generations === 2);
        expectSameAsGit(graph, commitsOf(directory));
      },
    ),
    { numRuns: 25 },
  );
});
