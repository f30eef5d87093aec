/** Walks of trees, and the plain one that they are compared with. */
import { Marks } from '../../src/pack/marks.ts';
import { Pace } from '../../src/pack/pace.ts';
import { TreeWalk } from '../../src/pack/walk-trees.ts';
import { Repository } from '../../src/repository/repository.ts';
import { RepositoryCaches } from '../../src/repository/repository-caches.ts';
import { afterTests } from '../support/after-tests.ts';

/** A repository as a new request sees it; closed after the tests of the file. */
export function open(directory: string): Repository {
  const repository = Repository.open(directory, new RepositoryCaches());
  afterTests(() => repository.close());
  return repository;
}

/** The ids of all that `roots` reach, sorted. */
export async function walk(
  repository: Repository,
  roots: readonly string[],
  pace = new Pace(),
): Promise<string[]> {
  const { objects } = repository;
  const marks = new Marks(objects.view);
  const numbers = roots.map((oid) => objects.view.findHex(oid));
  await new TreeWalk(objects, marks, pace, () => {}).walk(numbers, []);
  return [...marks.wanted.toArray()].map((number) => objects.view.hex(number)).sort();
}

/** The entries of a tree, as `[is a tree, id]`, gitlinks left out. */
function parseTree(data: Buffer, hash: number): [boolean, string][] {
  const entries: [boolean, string][] = [];
  for (let at = 0; at < data.length; ) {
    const nul = data.indexOf(0, at);
    const mode = Number.parseInt(data.toString('latin1', at, data.indexOf(32, at)), 8);
    at = nul + 1 + hash;
    if (mode !== 0o160000) entries.push([mode === 0o40000, data.toString('hex', nul + 1, at)]);
  }
  return entries;
}

/** {@link walk}, by reading every tree whole. */
export function plainWalk({ objects }: Repository, roots: readonly string[]): string[] {
  const found = new Set<string>();
  const walked = new Set<string>();
  const visit = (tree: string) => {
    if (walked.has(tree)) return;
    walked.add(tree);
    found.add(tree);
    const { data } = objects.read(objects.view.findHex(tree));
    for (const [isTree, oid] of parseTree(Buffer.from(data), objects.view.format.bytes)) {
      if (isTree) visit(oid);
      else found.add(oid);
    }
  };
  for (const tree of roots) visit(tree);
  return [...found].sort();
}
