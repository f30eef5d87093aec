/** What kind of repository is measured. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { exitCode, GIT_ENVIRONMENT, git } from '../git.ts';

export interface Facts {
  readonly objects: number;
  readonly commits: number;
  readonly trees: number;
  readonly blobs: number;
  readonly tags: number;
  readonly refs: number;
  readonly packs: number;
  /** Of all packs. */
  readonly packBytes: number;
  /** Of the objects, those that are stored as a delta, 0 to 1. */
  readonly deltaShare: number;
  readonly chains: Chains;
  /** Of the objects, those that lie elsewhere, 0 to 1. */
  readonly outsideLargestPack: number;
  readonly commitGraph: boolean;
}

/** How many deltas must be applied to get an object: over the objects that are deltas. */
export interface Chains {
  readonly median: number;
  readonly longest: number;
  /** Objects by depth: from the limit before (exclusive) to this one (inclusive). */
  readonly histogram: readonly { readonly upTo: number; readonly objects: number }[];
}

const BUCKETS = [1, 5, 10, 20, 50, Number.POSITIVE_INFINITY];
const FORMAT = '%(objectname) %(objecttype) %(deltabase)';
/** In a pack index of version 2, the fan-out table's last count. */
const COUNT_OFFSET = 8 + 255 * 4;

export async function readFacts(directory: string): Promise<Facts> {
  const { types, bases } = await readObjects(directory);
  const objects = Object.values(types).reduce((sum, count) => sum + count, 0);
  const packs = readPacks(path.join(directory, 'objects/pack'));
  const largest = Math.max(0, ...packs.map((pack) => pack.objects));
  return {
    objects,
    commits: types.commit,
    trees: types.tree,
    blobs: types.blob,
    tags: types.tag,
    refs: git(directory, 'for-each-ref', '--format=').split('\n').length,
    packs: packs.length,
    packBytes: packs.reduce((sum, pack) => sum + pack.bytes, 0),
    deltaShare: bases.size / objects,
    chains: measureChains(bases),
    outsideLargestPack: (objects - largest) / objects,
    commitGraph: ['commit-graph', 'commit-graphs'].some((file) =>
      fs.existsSync(path.join(directory, 'objects/info', file)),
    ),
  };
}

/** Objects of each type, and the base of each that is stored as a delta. */
async function readObjects(directory: string) {
  const args = ['cat-file', '--batch-all-objects', '--unordered', `--batch-check=${FORMAT}`];
  const child = spawn('git', ['-C', directory, ...args], {
    env: GIT_ENVIRONMENT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = exitCode(child);
  const types = { commit: 0, tree: 0, blob: 0, tag: 0 };
  const bases = new Map<string, string>();
  for await (const line of readline.createInterface({ input: child.stdout })) {
    const [oid, type, base] = line.split(' ');
    types[type as keyof typeof types]++;
    if (!/^0+$/.test(base)) bases.set(oid, base);
  }
  const code = await exit;
  if (code !== 0) throw new Error(`git cat-file ended with ${code}`);
  return { types, bases };
}

function measureChains(bases: ReadonlyMap<string, string>): Chains {
  const depths = new Map<string, number>();
  for (const oid of bases.keys()) {
    const chain: string[] = [];
    let at: string | undefined = oid;
    while (at !== undefined && bases.has(at) && !depths.has(at)) {
      chain.push(at);
      at = bases.get(at);
    }
    let depth = (at === undefined ? undefined : depths.get(at)) ?? 0;
    for (const each of chain.reverse()) depths.set(each, ++depth);
  }
  const sorted = Float64Array.from(depths.values()).sort();
  let counted = 0;
  const histogram = BUCKETS.map((upTo) => {
    const before = counted;
    while (counted < sorted.length && sorted[counted] <= upTo) counted++;
    return { upTo, objects: counted - before };
  });
  return { median: sorted[sorted.length >> 1] ?? 0, longest: sorted.at(-1) ?? 0, histogram };
}

function readPacks(directory: string): { objects: number; bytes: number }[] {
  const indexes = fs.readdirSync(directory).filter((file) => file.endsWith('.idx'));
  return indexes.map((file) => {
    const index = path.join(directory, file);
    const count = Buffer.alloc(4);
    const input = fs.openSync(index, 'r');
    fs.readSync(input, count, 0, count.length, COUNT_OFFSET);
    fs.closeSync(input);
    return { objects: count.readUInt32BE(), bytes: fs.statSync(index.replace(/idx$/, 'pack')).size };
  });
}
