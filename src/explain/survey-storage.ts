/** Looks at the packs of a repository, and at what makes walks over it fast. */
import fs from 'node:fs';
import path from 'node:path';
import { CommitSource } from '../pack/commit-source.ts';
import type { Pace } from '../pack/pace.ts';
import { COMMIT } from '../repository/object-format.ts';
import type { Repository } from '../repository/repository.ts';
import { findBitmaps } from '../upload-pack/bitmaps.ts';
import { peel } from '../upload-pack/list-refs.ts';
import type { PackSummary, Storage } from './report.ts';

/** @param tips ids, hex, of what refs point at */
export async function surveyStorage(
  repository: Repository,
  tips: Iterable<string>,
  pace: Pace,
): Promise<Storage> {
  const { view } = repository.objects;
  const bitmaps = await findBitmaps({ repository, ownBitmaps: undefined, pace });
  const [first] = view.multiPackIndexes;
  return {
    packs: Array.from(view.packs(), ({ pack }): PackSummary => {
      const { name, stem, size, index } = pack;
      return {
        name,
        directory: path.resolve(stem, '../..'),
        bytes: size,
        objects: index.count,
        hasBitmap: fs.existsSync(`${stem}.bitmap`),
        isKept: fs.existsSync(`${stem}.keep`),
      };
    }),
    loose: countLoose(repository),
    multiPackIndex: first && { packs: first.index.packNames.length, layers: first.index.layers.length },
    bitmap:
      typeof bitmaps === 'string'
        ? { state: bitmaps, objects: 0 }
        : { state: 'usable', objects: bitmaps.objects },
    commitGraph: await surveyCommits(repository, tips, pace),
  };
}

function countLoose({ objects: { view } }: Repository): number {
  let loose = 0;
  for (let first = 0; first < 256; first++) for (const names of view.looseNames(first)) loose += names.size;
  return loose;
}

/** Walks from the refs to the first commits that the graph has. */
async function surveyCommits(
  repository: Repository,
  tips: Iterable<string>,
  pace: Pace,
): Promise<Storage['commitGraph']> {
  const { objects, config } = repository;
  await objects.prepareGraph(pace.pauseIfDue);
  const { graph } = objects;
  const source = new CommitSource(objects);
  const missing = new Set<number>();
  const meet = (number: number) => {
    if (number >= 0 && (graph?.position(number) ?? -1) < 0) missing.add(number);
  };
  for (const tip of tips) {
    const target = peel(objects.view.findHex(tip), source)?.target ?? -1;
    if (target >= 0 && source.type(target) === COMMIT) meet(target);
    if (pace.due()) await pace.pause();
  }
  const boundary = new Set((repository.shallow ?? []).map((oid) => objects.view.findHex(oid)));
  // A set is gone through to its end, what is added on the way included.
  for (const number of missing) {
    if (!boundary.has(number)) for (const parent of source.read(number).parents) meet(parent);
    if (pace.due()) await pace.pause();
  }
  const isOff = repository.shallow !== undefined || !config.boolean('core.commitgraph', true);
  return {
    state: graph ? 'usable' : isOff ? 'off' : 'absent',
    commits: graph?.graph.count ?? 0,
    missing: missing.size,
    hasGenerations: graph?.graph.hasGenerations ?? false,
  };
}
