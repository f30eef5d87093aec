/** What a pack brings, and what it may bring. */
import { readPack } from '../../src/index.ts';
import type { Answer } from './answers.ts';
import type { ObjectGraph } from './object-graph.ts';
import type { TestRepository } from './repositories.ts';
import type { Round } from './rounds.ts';

export interface Brought {
  readonly oids: ReadonlySet<string>;
  /** Objects that deltas are based on and that the pack has not, or not before them. */
  readonly bases: ReadonlySet<string>;
  readonly offsetDeltas: boolean;
}

const OFS_DELTA = 6;

/** @throws Error where a pack is damaged, holds an object twice, or is based on what the repository has not */
export function readObjects(pack: Buffer, graph: ObjectGraph): Brought {
  const bases = new Set<string>();
  const objects = readPack(pack, 'sha1', (oid) => {
    bases.add(oid);
    return graph.get(oid);
  });
  const oids = new Set(objects.map(({ oid }) => oid));
  if (oids.size < objects.length) throw new Error('the pack holds an object twice');
  return { oids, bases, offsetDeltas: objects.some(({ offset }) => ((pack[offset] >> 4) & 7) === OFS_DELTA) };
}

/** What bounds the pack of one answer. */
export interface Bounds {
  /** Everything that the client is known to have. */
  readonly had: ReadonlySet<string>;
  /** Everything that its wants reach, down to where its history is cut. */
  readonly reached: ReadonlySet<string>;
  /** Commits that have no parents from now on. */
  readonly cut: ReadonlySet<string>;
  /** As far as that lets it be seen, what the client has: tips, and everything. */
  readonly tips: readonly string[];
  readonly seen: ReadonlySet<string>;
}

export function boundsOf({ graph, shallow: own }: TestRepository, round: Round, { lines }: Answer): Bounds {
  const named = (word: string) =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.split(' ')[1]);
  const theirs = round.shallow.filter((oid) => graph.has(oid));
  const deepened = named('unshallow');
  // A pack may come before the client has told all that it has.
  const early = round.flags.has('no-done') && lines.some((line) => line.endsWith(' ready'));
  const haves = early ? named('ACK') : round.haves;
  const cut = new Set([...theirs, ...own, ...named('shallow')]);
  const parents = deepened.flatMap((oid) => graph.get(oid)!.parents);
  const tips = [...haves, ...deepened];
  return {
    cut,
    tips,
    seen: graph.closure(tips, cut),
    had: graph.closure(tips, new Set([...theirs, ...own])),
    reached: graph.closure([...round.wants, ...parents], cut),
  };
}
