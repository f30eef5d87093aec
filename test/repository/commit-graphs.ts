/** Repositories with commit-graphs, and what git says of their commits. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, expect } from 'vitest';
import type { CommitGraph } from '../../src/repository/commit-graph.ts';
import { Repository } from '../../src/repository/repository.ts';
import { RepositoryCaches } from '../../src/repository/repository-caches.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { type GraphStep, importSteps } from '../support/graphed.ts';
import { initBare } from './history.ts';

const caches = new RepositoryCaches();
const opened: Repository[] = [];
afterEach(() => {
  for (const repository of opened.splice(0)) repository.close();
});

export function open(directory: string): { graph: CommitGraph | undefined; problems: string[] } {
  const repository = Repository.open(directory, caches);
  opened.push(repository);
  return { graph: repository.objects.graph?.graph, problems: repository.indexProblems };
}

export function makeRepository(steps: readonly GraphStep[], flags: readonly string[] = []): string {
  const directory = temporaryDirectory();
  initBare(directory, flags);
  importSteps(directory, steps);
  return directory;
}

/** A line of ten commits, a merge, and an octopus with more parents than fit in a row. */
export const STEPS: readonly GraphStep[] = [
  ...Array.from({ length: 10 }, (_, i) => ({ parents: i === 0 ? [] : [1], skew: i === 4 ? 9999 : 0 })),
  { parents: [1, 5], skew: 0 },
  { parents: [], skew: 5_000_000_000 },
  { parents: [1, 2, 7, 9], skew: -1_700_000_000 },
  { parents: [1], skew: 0 },
];

export interface KnownCommit {
  readonly oid: string;
  readonly tree: string;
  readonly date: number;
  readonly parents: readonly string[];
}

export function commitsOf(directory: string): KnownCommit[] {
  const lines = git(directory, ['-c', 'core.commitGraph=false', 'log', '--all', '--format=%H %T %ct %P']);
  return lines.split('\n').map((line) => {
    const [oid, tree, date, ...parents] = line.trim().split(' ');
    return { oid, tree, date: Number(date), parents };
  });
}

export function read(graph: CommitGraph, position: number): KnownCommit {
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
export function expectSameAsGit(graph: CommitGraph | undefined, commits: readonly KnownCommit[]): void {
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

export const graphFile = (directory: string) => path.join(directory, 'objects/info/commit-graph');
export const chainDirectory = (directory: string) => path.join(directory, 'objects/info/commit-graphs');

export function writeAnew(file: string, data: Buffer): void {
  fs.rmSync(file, { force: true });
  fs.writeFileSync(file, data);
}

/** The same with a hash that is right. */
export function signed(data: Buffer): Buffer {
  const content = data.subarray(0, -20);
  return Buffer.concat([content, createHash('sha1').update(content).digest()]);
}
