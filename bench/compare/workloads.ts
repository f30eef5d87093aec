/** The workloads on the repository that is measured. */
import { git } from '../git.ts';
import { encodeFetch, encodeLsRefs } from '../request.ts';
import type { Source } from '../source.ts';
import type { Copies } from './copies.ts';
import { GIT, GIT_NO_BITMAP, SHORT, type Targets, type Workload } from './workload.ts';

export const CLONE_BITMAP = 'clone, bitmap';
export const CLONE_NO_BITMAP = 'clone, no bitmap, first time';
/** What git names in the first round of a negotiation. */
const HAVES = 16;
/** How many first parents the client's branch lies behind. */
const BEHIND: readonly { commits: number; targets: Targets }[] = [
  { commits: 10, targets: { cpuSeconds: 0.3, seconds: 0.2, bytes: 1.1 } },
  { commits: 300, targets: { cpuSeconds: 0.5, seconds: 0.5, bytes: 1.1 } },
];

export function repositoryWorkloads({ plain, bitmap }: Copies): Workload[] {
  const { directory, format } = plain;
  const heads = ['refs/heads/', 'refs/tags/'];
  const tips = [...new Set(git(directory, 'for-each-ref', '--format=%(objectname)', ...heads).split('\n'))];
  const head = git(directory, 'rev-parse', 'HEAD');
  const revisions = ['--branches', '--tags'];
  const clone = {
    repository: plain,
    request: encodeFetch({ wants: tips, haves: [] }, format),
    answer: { revisions, client: undefined, partial: false },
    gits: [GIT],
    ownBitmap: false,
    targets: undefined,
  } satisfies Partial<Workload>;
  const blobless = {
    ...clone,
    request: encodeFetch({ wants: tips, haves: [], filter: 'blob:none' }, format),
    answer: { revisions: [...revisions, '--filter=blob:none'], client: undefined, partial: true },
  };
  return [
    {
      ...clone,
      name: CLONE_BITMAP,
      repository: bitmap,
      targets: { cpuSeconds: 0.35, seconds: 0.4, bytes: 1.02 },
    },
    {
      ...clone,
      name: CLONE_NO_BITMAP,
      targets: { cpuSeconds: 1, seconds: 1, bytes: 1.05 },
    },
    {
      ...clone,
      name: 'clone again, own bitmap',
      ownBitmap: true,
      targets: { cpuSeconds: 0.1, seconds: 0.12, bytes: 1.05 },
    },
    ...BEHIND.flatMap(({ commits, targets }) => behind(plain, bitmap, commits, targets)),
    {
      ...clone,
      name: 'clone, depth 1',
      request: encodeFetch({ wants: [head], haves: [], depth: 1 }, format),
      answer: { revisions: ['--max-count=1', head], client: undefined, partial: true },
      targets: { cpuSeconds: 0.35, seconds: 0.35, bytes: 1.05 },
    },
    {
      ...blobless,
      name: 'clone, blob:none, bitmap',
      repository: bitmap,
      targets: { cpuSeconds: 0.5, seconds: 0.5, bytes: 1.02 },
    },
    {
      ...blobless,
      name: 'clone, blob:none, no bitmap',
      targets: { cpuSeconds: 1, seconds: 1, bytes: 1.02 },
    },
    ownRefs(plain),
  ];
}

/** A fetch of one branch by a client that has it as it was; nothing where the history is shorter. */
function behind(plain: Source, bitmap: Source, commits: number, targets: Targets): Workload[] {
  const { directory, format } = plain;
  const parents = Number(git(directory, 'rev-list', '--first-parent', '--count', 'HEAD'));
  if (parents <= commits) return [];
  const head = git(directory, 'rev-parse', 'HEAD');
  const haves = git(directory, 'rev-list', `--max-count=${HAVES}`, `HEAD~${commits}`).split('\n');
  const fetch = {
    request: encodeFetch({ wants: [head], haves }, format),
    answer: { revisions: [head, '--not', ...haves], client: haves[0], partial: false },
    ownBitmap: false,
    targets,
  };
  return [
    { ...fetch, name: `${commits} behind, bitmap`, repository: bitmap, gits: [GIT, GIT_NO_BITMAP] },
    { ...fetch, name: `${commits} behind, no bitmap`, repository: plain, gits: [GIT] },
  ];
}

function ownRefs(repository: Source): Workload {
  const request = encodeLsRefs(repository.format);
  const refs = git(repository.directory, 'for-each-ref', '--format=').split('\n').length;
  return {
    name: `ls-refs, its ${refs} refs`,
    repository,
    request,
    answer: 'refs',
    gits: [GIT],
    ownBitmap: false,
    targets: SHORT,
  };
}
