/** The workloads on generated repositories that are always the same: listings of refs, and large blobs. */
import path from 'node:path';
import { git } from '../git.ts';
import { ensureRepository, type RepositoryName } from '../repositories.ts';
import { encodeFetch, encodeLsRefs } from '../request.ts';
import { type Source, sourceAt } from '../source.ts';
import { GIT, SHORT, type Targets, type Workload } from './workload.ts';

/** Undefined prefixes: those of a clone, which are all that there is in these repositories. */
const LISTINGS: readonly {
  name: string;
  repository: RepositoryName;
  prefixes?: readonly string[];
  targets: Targets;
}[] = [
  {
    name: 'ls-refs, 1,000 refs, loose',
    repository: 'loose-refs-1000',
    targets: { cpuSeconds: 0.1, seconds: 0.1, bytes: 1 },
  },
  { name: 'ls-refs, 1,000 refs, packed', repository: 'refs-1000', targets: SHORT },
  {
    name: 'ls-refs, 100,000 refs, all',
    repository: 'refs-100000',
    prefixes: [],
    targets: { cpuSeconds: 0.3, seconds: 0.3, bytes: 1 },
  },
  { name: 'ls-refs, 5 refs', repository: 'refs-5', targets: SHORT },
  {
    name: 'ls-refs, a prefix among 100,000',
    repository: 'refs-100000',
    prefixes: ['refs/heads/topic-500'],
    targets: SHORT,
  },
];

export async function fixedWorkloads(directory: string): Promise<Workload[]> {
  const workloads: Workload[] = [];
  for (const { name, repository, prefixes, targets } of LISTINGS) {
    const source = await open(directory, repository);
    const request = encodeLsRefs(source.format, prefixes);
    const row = { name, repository: source, request, targets };
    workloads.push({ ...row, answer: 'refs', gits: [GIT], ownBitmap: false });
  }
  return [...workloads, await manyBlobs(directory)];
}

async function manyBlobs(directory: string): Promise<Workload> {
  const repository = await open(directory, 'many-blobs');
  const head = git(repository.directory, 'rev-parse', 'HEAD');
  return {
    name: 'clone, 161 MB, 1,445 objects',
    repository,
    request: encodeFetch({ wants: [head], haves: [] }, repository.format),
    answer: { revisions: [head], client: undefined, partial: false },
    gits: [GIT],
    ownBitmap: false,
    targets: { cpuSeconds: 0.4, seconds: 0.4, bytes: 1.01 },
  };
}

async function open(directory: string, name: RepositoryName): Promise<Source> {
  return sourceAt(path.join(directory, await ensureRepository(directory, name)));
}
