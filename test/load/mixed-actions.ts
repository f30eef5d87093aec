/** What the clients of the mixed load do, each with what must hold in the end. */
import fs from 'node:fs';
import path from 'node:path';
import { GitClient } from '../../bench/client.ts';
import type { SeededRandom } from '../../bench/random.ts';
import type { ChangingRepository } from './changing-repository.ts';
import { runClient, startGit } from './clients.ts';
import { startSlowLink } from './slow-link.ts';

export interface Load {
  readonly random: SeededRandom;
  readonly repositories: readonly ChangingRepository[];
  /** Where clones are made; each is removed when nothing more is to be done with it. */
  readonly directory: string;
  readonly http: string;
  readonly git: string;
  /** Earlier clones by repository, which have fallen behind. */
  readonly behind: Map<ChangingRepository, string[]>;
  clones: number;
}

type Action = (load: Load) => Promise<void>;

/** Clones of one repository that are kept for later fetches. */
const MOST_BEHIND = 2;
/** Bytes a second: a large pack takes some seconds. */
const SLOW = 3_000_000;
/** Bytes after which a client is killed: most of the pack is not even made. */
const MID_PACK = 400_000;

const V0 = ['-c', 'protocol.version=0'];
const V2 = ['-c', 'protocol.version=2'];

/** How often each is drawn of a deck. */
const DECK: Readonly<Record<string, { action: Action; times: number }>> = {
  'clone, HTTP, v2': { action: (load) => clone(load, load.http, V2), times: 3 },
  'clone, HTTP, v0': { action: (load) => clone(load, load.http, V0), times: 1 },
  'clone, git://, v2': { action: (load) => clone(load, load.git, V2), times: 1 },
  'clone, git://, v0': { action: (load) => clone(load, load.git, V0), times: 1 },
  'fetch, HTTP, v2': { action: (load) => fetch(load, load.http, V2), times: 3 },
  'fetch, HTTP, v0': { action: (load) => fetch(load, load.http, V0), times: 1 },
  'fetch, git://, v2': { action: (load) => fetch(load, load.git, V2), times: 1 },
  'fetch, git://, v0': { action: (load) => fetch(load, load.git, V0), times: 1 },
  'shallow, HTTP, v2': { action: (load) => shallow(load, load.http, V2), times: 2 },
  'shallow, git://, v0': { action: (load) => shallow(load, load.git, V0), times: 1 },
  'ls-remote, HTTP, v2': { action: (load) => listRefs(load, load.http, V2), times: 3 },
  'ls-remote, HTTP, v0': { action: (load) => listRefs(load, load.http, V0), times: 1 },
  'ls-remote, git://, v2': { action: (load) => listRefs(load, load.git, V2), times: 1 },
  'aborted clone, HTTP': { action: (load) => abort(load, load.http), times: 1 },
  'aborted clone, git://': { action: (load) => abort(load, load.git), times: 1 },
  'slow clone, HTTP': { action: (load) => slowClone(load, load.http), times: 1 },
  'slow clone, git://': { action: (load) => slowClone(load, load.git), times: 1 },
  'slow raw reader': { action: slowReader, times: 1 },
};

/** The actions of one deck in a random order. */
export function shuffledDeck(random: SeededRandom): { name: string; action: Action }[] {
  const deck = Object.entries(DECK).flatMap(([name, { action, times }]) =>
    Array.from({ length: times }, () => ({ name, action })),
  );
  for (let n = deck.length - 1; n > 0; n--) {
    const other = random.below(n + 1);
    [deck[n], deck[other]] = [deck[other], deck[n]];
  }
  return deck;
}

async function clone(load: Load, base: string, flags: readonly string[]): Promise<void> {
  const repository = load.random.pick(load.repositories);
  const judge = repository.judge();
  const target = await cloneFrom(load, base, repository, [...flags, 'clone', '--mirror']);
  await check(target, judge);
  const behind = load.behind.get(repository) ?? [];
  if (behind.length < MOST_BEHIND) load.behind.set(repository, [...behind, target]);
  else discard(target);
}

async function fetch(load: Load, base: string, flags: readonly string[]): Promise<void> {
  const repository = load.random.pick(load.repositories);
  const target =
    load.behind.get(repository)?.shift() ??
    (await cloneFrom(load, base, repository, [
      ...flags,
      'clone',
      '--bare',
      '--single-branch',
      '--branch=branch-0',
    ]));
  const judge = repository.judge();
  await runClient(target, [...flags, 'fetch', '--quiet', `${base}/${repository.name}`, '+refs/*:refs/*']);
  await check(target, judge);
  discard(target);
}

async function shallow(load: Load, base: string, flags: readonly string[]): Promise<void> {
  const repository = load.random.pick(load.repositories);
  const first = repository.judge();
  const depth = `--depth=${1 + load.random.below(5)}`;
  const target = await cloneFrom(load, base, repository, [
    ...flags,
    'clone',
    '--mirror',
    depth,
    '--no-single-branch',
  ]);
  await check(target, first);
  for (const change of ['--deepen=3', '--unshallow']) {
    const judge = repository.judge();
    // What has become whole by itself cannot be made whole.
    if (change === '--unshallow' && !fs.existsSync(path.join(target, 'shallow'))) continue;
    const refs = [`${base}/${repository.name}`, '+refs/*:refs/*'];
    await runClient(target, [...flags, 'fetch', '--quiet', change, ...refs]);
    await check(target, judge);
  }
  discard(target);
}

async function listRefs(load: Load, base: string, flags: readonly string[]): Promise<void> {
  const repository = load.random.pick(load.repositories);
  const judge = repository.judge();
  const url = `${base}/${repository.name}`;
  const text = await runClient(load.directory, [...flags, 'ls-remote', '--refs', url]);
  expectNothing(
    judge(
      text
        .trim()
        .split('\n')
        .map((line) => line.replace('\t', ' ')),
    ),
  );
}

/** A client that is killed in the middle of a pack. */
async function abort(load: Load, base: string): Promise<void> {
  const repository = load.random.pick(load.repositories.filter(({ isLarge }) => isLarge));
  const link = await startSlowLink(base, { holdAfter: MID_PACK });
  const target = nextTarget(load);
  const client = startGit(load.directory, ['clone', '--mirror', `${link.url}/${repository.name}`, target]);
  const result = await Promise.race([link.held, client.ended]);
  client.kill();
  await client.ended;
  link.close();
  discard(target);
  if (result) throw new Error(`a clone ended before it could be killed: ${result.stderr}`);
}

/** git on a slow line. */
async function slowClone(load: Load, base: string): Promise<void> {
  const repository = load.random.pick(load.repositories.filter(({ isLarge }) => isLarge));
  const link = await startSlowLink(base, { bytesPerSecond: SLOW });
  const judge = repository.judge();
  const target = await cloneFrom(load, link.url, repository, ['clone', '--mirror']);
  await check(target, judge);
  link.close();
  discard(target);
}

/** A socket that is read slowly, so that its buffers are full all the time. */
async function slowReader(load: Load): Promise<void> {
  const repository = load.random.pick(load.repositories.filter(({ isLarge }) => isLarge));
  const client = new GitClient(`${load.http}/${repository.name}`);
  try {
    await client.clone({ bytesPerSecond: SLOW });
  } finally {
    client.close();
  }
}

async function cloneFrom(
  load: Load,
  base: string,
  { name }: ChangingRepository,
  args: readonly string[],
): Promise<string> {
  const target = nextTarget(load);
  await runClient(load.directory, [...args, '--quiet', `${base}/${name}`, target]);
  return target;
}

function nextTarget(load: Load): string {
  return path.join(load.directory, `clone-${load.clones++}`);
}

function discard(target: string): void {
  fs.rmSync(target, { recursive: true, force: true });
}

/** What was completed must be whole, and have refs that the source had. */
async function check(target: string, judge: (lines: readonly string[]) => string[]): Promise<void> {
  await runClient(target, ['fsck', '--full', '--strict']);
  const refs = await runClient(target, ['for-each-ref', '--format=%(objectname) %(refname)']);
  expectNothing(judge(refs.trim().split('\n')));
}

function expectNothing(wrong: readonly string[]): void {
  if (wrong.length > 0) throw new Error(wrong.join('\n'));
}
