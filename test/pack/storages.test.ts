/**
 * Generated histories in every kind of storage: the same request gives a pack that git takes, with all that the client
 * lacks; with bitmaps, exactly that.
 */
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { UploadPackV2 } from '../../src/index.ts';
import { Pace } from '../../src/pack/pace.ts';
import { OwnBitmaps } from '../../src/store/own-bitmaps.ts';
import type { Statistics } from '../../src/upload-pack/statistics.ts';
import { UploadPack } from '../../src/upload-pack/upload-pack.ts';
import { temporaryDirectory } from '../support/directory.ts';
import {
  arbitraryStep,
  type ImportedHistory,
  importHistory,
  type Step,
} from '../support/generated-history.ts';
import { git, gitBytes } from '../support/git.ts';
import { packsOf } from '../support/history.ts';
import { packFile, removePacks } from '../support/packs.ts';
import { encodeRequest, parseFetchAnswer } from '../support/requests.ts';
import { Filling, type Source, STORAGES } from '../support/storages.ts';

/** Which of a history's objects a request names, each by a number that is taken modulo how many there are. */
interface Ask {
  readonly wants: readonly Named[];
  readonly haves: readonly Named[];
  readonly unknown: boolean;
  readonly thin: boolean;
  readonly ofsDelta: boolean;
  readonly includeTag: boolean;
}
interface Named {
  readonly kind: 'commits' | 'tags' | 'trees' | 'blobs';
  readonly at: number;
}

const named: fc.Arbitrary<Named> = fc.record({
  kind: fc.oneof(
    { weight: 6, arbitrary: fc.constant('commits' as const) },
    { weight: 2, arbitrary: fc.constant('tags' as const) },
    { weight: 1, arbitrary: fc.constantFrom('trees' as const, 'blobs' as const) },
  ),
  at: fc.nat(99),
});
const ask: fc.Arbitrary<Ask> = fc.record({
  wants: fc.array(named, { minLength: 1, maxLength: 4 }),
  haves: fc.oneof(fc.constant([]), fc.array(named, { minLength: 1, maxLength: 4 })),
  unknown: fc.boolean(),
  thin: fc.boolean(),
  ofsDelta: fc.boolean(),
  includeTag: fc.boolean(),
});

/** What a request is about, however the objects are stored. */
interface Case {
  readonly request: Buffer;
  /** What the wants reach. */
  readonly asked: ReadonlySet<string>;
  /** What the client has: in a repository of its own, too. */
  readonly had: ReadonlySet<string>;
  readonly client: string;
  readonly includeTag: boolean;
  /** What git sends without bitmaps; nothing where that is not to be compared. */
  readonly gits: ReadonlySet<string> | undefined;
}

function reachable(directory: string, tips: readonly string[]): string[] {
  if (tips.length === 0) return [];
  return git(directory, ['rev-list', '--objects', '--no-object-names', ...tips]).split('\n');
}

const choose = (history: ImportedHistory, picks: readonly Named[]) => [
  ...new Set(picks.map(({ kind, at }) => history[kind][at % history[kind].length]).filter(Boolean)),
];

function makeCase(directory: string, history: ImportedHistory, from: Ask): Case | undefined {
  const wants = choose(history, from.wants);
  const haves = choose(history, from.haves);
  if (wants.length === 0) return undefined;
  const flags = [
    ...(from.thin ? ['thin-pack'] : []),
    ...(from.ofsDelta ? ['ofs-delta'] : []),
    ...(from.includeTag ? ['include-tag'] : []),
  ];
  const known = from.unknown ? [`have ${'1'.repeat(40)}`] : [];
  const client = temporaryDirectory();
  git(client, ['init', '-q', '--bare', '.']);
  if (haves.length > 0) {
    const input = haves.map((oid) => `${oid}\n`).join('');
    const pack = gitBytes(directory, ['pack-objects', '--revs', '--stdout', '--quiet'], { input });
    git(client, ['index-pack', '--stdin'], { input: pack });
  }
  return {
    request: encodeRequest('fetch', [
      ...flags,
      ...wants.map((oid) => `want ${oid}`),
      ...haves.map((oid) => `have ${oid}`),
      ...known,
      'no-progress',
      'done',
    ]),
    asked: new Set(reachable(directory, wants)),
    had: new Set(reachable(directory, haves)),
    client,
    includeTag: from.includeTag,
    // Of a tree that a client says it has, only those directories are looked at that are wanted too: it may be sent
    // again in part. Clients say so of commits alone. Where clocks ran wrong, walks that go by dates send too much,
    // each in its own way.
    gits:
      from.haves.every(({ kind }) => kind === 'commits') && clocksRanRight(directory)
        ? new Set([
            ...sentByGit(directory, wants, haves),
            ...reachable(directory, withoutHistory(directory, wants)),
          ])
        : undefined,
  };
}

/** Trees and blobs, and tags of them: what stands in those that a want names may be sent again. */
function withoutHistory(directory: string, oids: readonly string[]): string[] {
  const input = oids.map((oid) => `${oid}^{}\n`).join('');
  const types = git(directory, ['cat-file', '--batch-check=%(objecttype)'], { input }).split('\n');
  return oids.filter((_, i) => types[i] !== 'commit');
}

/** Whether no commit is older than its parents. */
function clocksRanRight(directory: string): boolean {
  const lines = git(directory, ['rev-list', '--all', '--timestamp', '--parents']).split('\n');
  const commits = lines.map((line) => line.split(' '));
  const dates = new Map(commits.map(([date, oid]) => [oid, Number(date)]));
  return commits.every(([date, , ...parents]) => parents.every((oid) => dates.get(oid)! <= Number(date)));
}

/** What `git upload-pack` has put into a pack where there is no bitmap. */
function sentByGit(directory: string, wants: readonly string[], haves: readonly string[]): string[] {
  const input = [...wants, ...haves.map((oid) => `^${oid}`)].map((line) => `${line}\n`).join('');
  const args = ['pack-objects', '--revs', '--stdout', '--quiet', '--no-use-bitmap-index'];
  const pack = gitBytes(directory, args, { input });
  const index = path.join(temporaryDirectory(), 'pack');
  fs.writeFileSync(`${index}.pack`, pack);
  git(directory, ['index-pack', `${index}.pack`]);
  return idsByOffset(fs.readFileSync(`${index}.idx`));
}

/** Has the client's git take a pack, and tells which objects were in it. */
function receive(client: string, pack: Buffer): Set<string> {
  const index = path.join(client, 'received.idx');
  const args = ['index-pack', '--strict', '--fix-thin', '--stdin'];
  const name = git(client, args, { input: pack }).split('\t').at(-1)!;
  const stem = path.join(client, 'objects/pack', `pack-${name}`);
  fs.renameSync(`${stem}.idx`, index);
  for (const extension of ['pack', 'rev']) fs.rmSync(`${stem}.${extension}`, { force: true });
  // What was added to complete a thin pack stands behind what was sent.
  return new Set(idsByOffset(fs.readFileSync(index)).slice(0, pack.readUInt32BE(8)));
}

/** The ids of a pack index of version 2, in the order of their offsets, which are below 2^31. */
function idsByOffset(index: Buffer): string[] {
  const count = index.readUInt32BE(8 + 255 * 4);
  const ids = 8 + 1024;
  const offsets = ids + count * 24;
  return Array.from({ length: count }, (_, i) => ({
    oid: index.toString('hex', ids + i * 20, ids + i * 20 + 20),
    offset: index.readUInt32BE(offsets + i * 4),
  }))
    .sort((a, b) => a.offset - b.offset)
    .map(({ oid }) => oid);
}

/** Tags whose refs are left, each with what it leads to. */
type TagChains = readonly { readonly chain: readonly string[]; readonly target: string }[];

function chainsOf(directory: string, tags: readonly string[]): TagChains {
  return tags.map((tag) => {
    const reached = git(directory, ['rev-parse', tag, `${tag}^{}`]).split('\n');
    const inner = git(directory, ['cat-file', 'tag', tag]).slice(7, 47);
    return { chain: inner === reached[1] ? [tag] : [tag, inner], target: reached[1] };
  });
}

async function judge(server: UploadPackV2, of: Case, chains: TagChains, bitmaps: boolean) {
  const parts: Uint8Array[] = [];
  const { statistics } = await server.feed(of.request, (bytes) => void parts.push(bytes));
  const { pack, error } = parseFetchAnswer(Buffer.concat(parts));
  expect(error).toBe('');
  expect(statistics.ignored).toEqual([]);
  const sent = receive(of.client, pack);
  expect(sent.size).toBe(pack.readUInt32BE(8));

  const lacking = [...of.asked].filter((oid) => !of.had.has(oid));
  expect(lacking.filter((oid) => !sent.has(oid))).toEqual([]);
  const tags = chains
    .filter(({ target }) => of.includeTag && sent.has(target))
    .flatMap(({ chain }) => chain.filter((oid) => !of.had.has(oid)));
  expect(tags.filter((oid) => !sent.has(oid))).toEqual([]);
  const exact = new Set([...lacking, ...tags]);
  const used = statistics.bitmap === 'used';
  const more = [...sent].filter((oid) => !exact.has(oid));
  if (used) expect(more).toEqual([]);
  expect(more.filter((oid) => !(of.gits ?? of.asked).has(oid))).toEqual([]);
  expectUse(statistics, of, bitmaps);
  return pack;
}

function expectUse({ bitmap }: Statistics, { had }: Case, bitmaps: boolean): void {
  if (!bitmaps) expect(bitmap).toBe('absent');
  else if (had.size === 0) expect(bitmap).toBe('used');
  else expect(['used', 'outside']).toContain(bitmap);
}

async function checkStorage(
  make: () => UploadPackV2,
  cases: readonly Case[],
  chains: TagChains,
  bitmaps: boolean,
): Promise<Buffer[]> {
  const server = make();
  const packs: Buffer[] = [];
  for (const each of cases) {
    const pack = await judge(server, each, chains, bitmaps);
    // Entries that were looked at are copied without a look the next time; a new process looks again.
    const again = parseFetchAnswer(await server.feed(each.request));
    expect(again.pack.equals(pack)).toBe(true);
    const fresh = make();
    expect(parseFetchAnswer(await fresh.feed(each.request)).pack.equals(pack)).toBe(true);
    fresh.close();
    packs.push(pack);
  }
  server.close();
  return packs;
}

function makeSource(steps: readonly Step[]): { source: Source; history: ImportedHistory; left: TagChains } {
  const directory = temporaryDirectory();
  git(directory, ['init', '-q', '--bare', '.']);
  const history = importHistory(directory, steps);
  const all = reachable(directory, ['--all']);
  const half = Math.ceil(steps.length / 2);
  const oldTips = history.commits.slice(0, half);
  const old = reachable(directory, oldTips);
  const known = new Set(old);
  const rest = all.filter((oid) => !known.has(oid));
  const refs = git(directory, ['for-each-ref', '--format=%(objectname) %(refname)']).split('\n');
  const lines = (keep: (number: number, isTag: boolean) => boolean) =>
    refs
      .filter((line) => keep(Number(/\d+$/.exec(line)![0]), line.includes(' refs/tags/')))
      .map((line) => `${line}\n`)
      .join('');
  const left = lines((number) => number % 3 !== 1);
  const source: Source = {
    directory,
    all,
    old,
    young: [rest.filter((_, i) => i % 2 === 0), rest.filter((_, i) => i % 2 === 1)],
    commits: { old: oldTips, all: history.commits },
    refs: { all: lines(() => true), old: lines((number, isTag) => number < half && !isTag), left },
  };
  const named = left.split('\n').filter((line) => line.includes(' refs/tags/'));
  const chains = chainsOf(
    directory,
    named.map((line) => line.slice(0, 40)),
  );
  return { source, history, left: chains };
}

it('sends what the client lacks, however it is stored', { timeout: 600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(arbitraryStep, { minLength: 6, maxLength: 30 }),
      fc.array(ask, { minLength: 3, maxLength: 3 }),
      async (steps, asks) => {
        const { source, history, left } = makeSource(steps);
        const cases = asks
          .map((each) => makeCase(source.directory, history, each))
          .filter((each) => each !== undefined);
        for (const [name, fill] of Object.entries(STORAGES)) {
          const store = new Filling(temporaryDirectory(), source);
          const ownBitmaps = new OwnBitmaps(temporaryDirectory());
          const make = () => new UploadPackV2(store.directory, { ownBitmaps });
          fill(store, source);
          try {
            const packs = await checkStorage(make, cases, left, name.includes('bitmap'));
            if (name === 'loose objects') continue;
            await build(store.directory, ownBitmaps);
            const after = await checkStorage(make, cases, left, true);
            // A clone is the same however its objects were found.
            for (const [i, { had }] of cases.entries()) {
              if (had.size === 0) expect(after[i].equals(packs[i])).toBe(true);
            }
          } catch (error) {
            throw new Error(`with ${name}`, { cause: error });
          }
        }
        for (const [name, grow] of Object.entries(GROWTHS)) {
          const store = new Filling(temporaryDirectory(), source);
          const ownBitmaps = new OwnBitmaps(temporaryDirectory());
          const make = () => new UploadPackV2(store.directory, { ownBitmaps });
          store.pack(source.old);
          store.pack(source.old.filter((_, i) => i % 2 === 0));
          await build(store.directory, ownBitmaps);
          grow(store, source);
          try {
            await checkStorage(make, cases, left, !name.includes('gone'));
          } catch (error) {
            throw new Error(`with ${name} on top of our own bitmaps`, { cause: error });
          }
        }
      },
    ),
    { numRuns: 8, endOnFailure: true },
  );
});

async function build(directory: string, store: OwnBitmaps): Promise<void> {
  const server = new UploadPack(directory);
  await server.buildBitmaps(store, new Pace());
  server.close();
}

/** What comes after bitmaps of our own were made of the older objects. */
const GROWTHS: Readonly<Record<string, (store: Filling, source: Source) => void>> = {
  packs: (store, { young }) => {
    store.pack(young[0]);
    store.pack(young[1]);
  },
  'a larger pack of everything': (store, { all }) => void store.pack(all, ['--window=0']),
  'a larger pack of half of it': (store, { old, young }) =>
    void store.pack([...old.filter((_, i) => i % 2 === 1), ...young[0], ...young[1]], ['--window=0']),
  'packs, but one of those before gone': (store, { young }) => {
    const sizeOf = (pack: string) => fs.statSync(packFile(store.directory, pack)).size;
    // All that the smaller one held is in the other too.
    const [smaller] = packsOf(store.directory).sort((a, b) => sizeOf(a) - sizeOf(b));
    removePacks(store.directory, [smaller]);
    store.pack([...young[0], ...young[1]]);
  },
  'a pack and loose objects': (store, { old, young }) => {
    store.pack([...young[0], ...old.filter((_, i) => i % 2 === 1)]);
    store.loose([...young[1], ...old.filter((_, i) => i % 5 === 0)]);
  },
};
