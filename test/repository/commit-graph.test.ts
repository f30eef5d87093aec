/** Commit-graphs say what the commits say, or nothing. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { CommitGraph } from '../../src/repository/commit-graph.ts';
import { GitConfig } from '../../src/repository/config.ts';
import { IndexFiles } from '../../src/repository/index-files.ts';
import { OBJECT_FORMATS } from '../../src/repository/object-format.ts';
import { openCommitGraph } from '../../src/repository/open-commit-graph.ts';
import { Repository } from '../../src/repository/repository.ts';
import { RepositoryCaches } from '../../src/repository/repository-caches.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { type GraphStep, graphStep, importSteps, writeGraph } from '../support/graphed.ts';
import { flip } from './corrupt.ts';
import { initBare } from './history.ts';

const caches = new RepositoryCaches();
const opened: Repository[] = [];
afterEach(() => {
  for (const repository of opened.splice(0)) repository.close();
});

function open(directory: string): { graph: CommitGraph | undefined; problems: string[] } {
  const repository = Repository.open(directory, caches);
  opened.push(repository);
  return { graph: repository.objects.graph?.graph, problems: repository.indexProblems };
}

function makeRepository(steps: readonly GraphStep[], flags: readonly string[] = []): string {
  const directory = temporaryDirectory();
  initBare(directory, flags);
  importSteps(directory, steps);
  return directory;
}

/** A line of ten commits, a merge, and an octopus with more parents than fit in a row. */
const STEPS: readonly GraphStep[] = [
  ...Array.from({ length: 10 }, (_, i) => ({ parents: i === 0 ? [] : [1], skew: i === 4 ? 9999 : 0 })),
  { parents: [1, 5], skew: 0 },
  { parents: [], skew: 5_000_000_000 },
  { parents: [1, 2, 7, 9], skew: -1_700_000_000 },
  { parents: [1], skew: 0 },
];

interface KnownCommit {
  readonly oid: string;
  readonly tree: string;
  readonly date: number;
  readonly parents: readonly string[];
}

function commitsOf(directory: string): KnownCommit[] {
  const lines = git(directory, ['-c', 'core.commitGraph=false', 'log', '--all', '--format=%H %T %ct %P']);
  return lines.split('\n').map((line) => {
    const [oid, tree, date, ...parents] = line.trim().split(' ');
    return { oid, tree, date: Number(date), parents };
  });
}

function read(graph: CommitGraph, position: number): KnownCommit {
  const hex = (p: number, at: number) => {
    const length = graph.data(p)[5] === 1 ? 20 : 32;
    return graph.data(p).toString('hex', at, at + length);
  };
  const parents: number[] = [];
  graph.parents(position, parents);
  return {
    oid: hex(position, graph.idAt(position)),
    tree: hex(position, graph.treeAt(position)),
    date: graph.date(position),
    parents: parents.map((parent) => hex(parent, graph.idAt(parent))),
  };
}

/** Every commit that the graph ought to hold is there, as git reads it from its object. */
function expectSameAsGit(graph: CommitGraph | undefined, commits: readonly KnownCommit[]): void {
  expect(graph?.count).toBe(commits.length);
  for (const commit of commits) {
    const position = graph!.find(Buffer.from(`00${commit.oid}`, 'hex'), 1);
    expect(read(graph!, position)).toEqual(commit);
    if (!graph!.hasGenerations) continue;
    expect(graph!.generation(position)).toBeGreaterThanOrEqual(commit.date);
    for (const parent of commit.parents) {
      const below = graph!.generation(graph!.find(Buffer.from(parent, 'hex')));
      expect(graph!.generation(position)).toBeGreaterThan(below);
    }
  }
  expect(graph!.find(Buffer.alloc(32))).toBe(-1);
  expect(graph!.find(Buffer.alloc(32, 0xff))).toBe(-1);
}

const graphFile = (directory: string) => path.join(directory, 'objects/info/commit-graph');
const chainDirectory = (directory: string) => path.join(directory, 'objects/info/commit-graphs');

function writeAnew(file: string, data: Buffer): void {
  fs.rmSync(file, { force: true });
  fs.writeFileSync(file, data);
}

/** The same with a hash that is right. */
function signed(data: Buffer): Buffer {
  const content = data.subarray(0, -20);
  return Buffer.concat([content, createHash('sha1').update(content).digest()]);
}

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
  const graph = openCommitGraph({
    directories: [path.join(directory, 'objects')],
    format: OBJECT_FORMATS.sha1,
    config: new GitConfig([]),
    files: new RacingFiles(2 ** 20),
    problems,
  });
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

describe('damage', () => {
  const directory = makeRepository(STEPS);
  writeGraph(directory);
  const commits = commitsOf(directory);
  const good = fs.readFileSync(graphFile(directory));

  const openWith = (data: Buffer) => {
    writeAnew(graphFile(directory), data);
    return open(directory);
  };
  const refused = (why: string) => ({
    graph: undefined,
    problems: [`${graphFile(directory)} is not used: ${why}`],
  });
  /** Where the row of a chunk stands in the table, and where the chunk itself. */
  const rowOf = (id: string) => good.indexOf(id, 8, 'latin1');
  const chunkAt = (id: string) => good.readUInt32BE(rowOf(id) + 8);
  const changed = (change: (data: Buffer) => void) => {
    const data = Buffer.from(good);
    change(data);
    return signed(data);
  };
  const row = (position: number) => chunkAt('CDAT') + position * 36;

  it('anywhere is found by the hash', () => {
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const { graph, problems } = openWith(flip(good, at, mask));
        expect([graph, problems.length]).toEqual([undefined, 1]);
      }),
      { numRuns: 300 },
    );
  });

  it('is told from what has been cut off', () => {
    for (let length = 0; length < good.length; length += 7) {
      const { graph, problems } = openWith(good.subarray(0, length));
      expect([graph, problems.length]).toEqual([undefined, 1]);
    }
  });

  it.each([
    ['it begins like none', (data: Buffer) => data.write('CGPX')],
    ['version 2 is not known', (data: Buffer) => data.writeUInt8(2, 4)],
    ['its ids are of another kind', (data: Buffer) => data.writeUInt8(2, 5)],
    ['it stands on 1 others, not on 0', (data: Buffer) => data.writeUInt8(1, 7)],
    ['its table of chunks is cut short', (data: Buffer) => data.writeUInt8(255, 6)],
    ['its table of chunks is wrong', (data: Buffer) => data.writeUInt32BE(1, rowOf('OIDL') + 4)],
    ['its table of chunks is wrong', (data: Buffer) => data.write('OIDF', rowOf('OIDL'))],
    ['its chunk OIDF has a wrong length', (data: Buffer) => data.write('XXXX', rowOf('OIDF'))],
    ['its chunk OIDL has a wrong length', (data: Buffer) => data.write('XXXX', rowOf('OIDL'))],
    ['its chunk CDAT has a wrong length', (data: Buffer) => data.write('XXXX', rowOf('CDAT'))],
    [
      'its chunk OIDL has a wrong length',
      (data: Buffer) => data.writeUInt32BE(STEPS.length + 1, chunkAt('OIDF') + 1020),
    ],
    ['it holds too many commits', (data: Buffer) => data.writeUInt32BE(0x70000001, chunkAt('OIDF') + 1020)],
    ['its fanout table falls', (data: Buffer) => data.writeUInt32BE(99, chunkAt('OIDF') + 400)],
    ['its ids are not in order', (data: Buffer) => data.fill(255, chunkAt('OIDL'), chunkAt('OIDL') + 20)],
    [
      'its ids are not in order',
      (data: Buffer) => data.copy(data, chunkAt('OIDL') + 20, chunkAt('OIDL'), chunkAt('OIDL') + 20),
    ],
    [
      'it names a parent that it does not hold',
      (data: Buffer) => data.writeUInt32BE(STEPS.length, row(3) + 20),
    ],
    [
      'it names a parent that it does not hold',
      (data: Buffer) => data.writeUInt32BE(STEPS.length, row(3) + 24),
    ],
    [
      'it names a parent that it does not hold',
      (data: Buffer) => data.writeUInt32BE(0x80000003, row(3) + 24),
    ],
    ['it names a parent that it does not hold', (data: Buffer) => data.writeUInt32BE(99, chunkAt('EDGE'))],
    ['it names a parent that it does not hold', (data: Buffer) => data.writeUInt32BE(1, chunkAt('EDGE') + 8)],
    ['it names a parent that it does not hold', (data: Buffer) => data.write('XXXX', rowOf('EDGE'))],
    [
      'it names a parent that it does not hold',
      (data: Buffer) => {
        data.writeUInt32BE(0x70000000, row(3) + 20);
        data.writeUInt32BE(0, row(3) + 24);
      },
    ],
  ])('that the hash does not tell: %s', (why, change) => {
    expect(openWith(changed(change))).toEqual(refused(why));
  });

  it.each([
    [
      'equal to those of parents',
      (data: Buffer) => data.fill(0, chunkAt('GDA2'), chunkAt('GDA2') + STEPS.length * 4),
    ],
    ['that are not there', (data: Buffer) => data.writeUInt32BE(0x80000005, chunkAt('GDA2') + 12)],
    ['in a chunk too short', (data: Buffer) => data.writeUInt32BE(chunkAt('GDA2') + 4, rowOf('GDA2') + 20)],
    ['that are none', (data: Buffer) => data.fill(0x7f, chunkAt('GDO2'), chunkAt('GDO2') + 8)],
  ])('only of generation numbers leaves the rest: %s', (_, change) => {
    const { graph, problems } = openWith(changed(change));
    expect(problems).toEqual([]);
    expect(graph?.hasGenerations).toBe(false);
    expectSameAsGit(graph, commits);
  });

  it('that no check finds leads nowhere outside', () => {
    fc.assert(
      fc.property(fc.nat(good.length - 21), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const { graph, problems } = openWith(signed(flip(good, at, mask)));
        expect(graph === undefined).toBe(problems.length > 0);
        for (let position = 0; position < (graph?.count ?? 0); position++) {
          read(graph!, position);
          if (graph!.hasGenerations) graph!.generation(position);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('that cannot be read at all is a problem too', () => {
    fs.rmSync(graphFile(directory));
    fs.mkdirSync(graphFile(directory));
    expect(open(directory)).toEqual(refused('read failed: EISDIR'));
    fs.rmdirSync(graphFile(directory));
  });
});
