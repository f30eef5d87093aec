/** Finding the commit-graph: one file, or a chain of them; in the repository itself, or where it borrows from. */
import path from 'node:path';
import { reasonOf } from '../errors.ts';
import type { Stretches } from '../stretches.ts';
import { CommitGraph } from './commit-graph.ts';
import { CommitGraphLayer } from './commit-graph-layer.ts';
import type { GitConfig } from './config.ts';
import type { IndexFile, IndexFiles } from './index-files.ts';
import type { ObjectFormat } from './object-format.ts';

/** How often a chain is read anew when it changed while its layers were being opened. */
const CHAIN_TRIES = 5;

export interface CommitGraphSource {
  /** Object directories, the repository's own first. */
  readonly directories: readonly string[];
  readonly format: ObjectFormat;
  readonly config: GitConfig;
  readonly files: IndexFiles;
  /** Gets why files were not used. */
  readonly problems: string[];
}

/** The first usable graph; undefined where there is none, or the configuration says to use none. */
export function* openCommitGraph(source: CommitGraphSource): Stretches<CommitGraph | undefined> {
  const corrected = source.config.integer('commitgraph.generationversion', 2) !== 1;
  if (!source.config.boolean('core.commitgraph', true)) return undefined;
  for (const directory of source.directories) {
    const info = path.join(directory, 'info');
    const single = yield* openLayer(source, path.join(info, 'commit-graph'), []);
    const layers = single ? [single] : yield* openChain(source, path.join(info, 'commit-graphs'));
    if (layers.length > 0) return new CommitGraph(layers, corrected);
  }
  return undefined;
}

/** The layers of a chain from the first one up to where it breaks. */
function* openChain(source: CommitGraphSource, directory: string): Stretches<CommitGraphLayer[]> {
  const name = path.join(directory, 'commit-graph-chain');
  for (let tries = 1; ; tries++) {
    const problems: string[] = [];
    const chain = yield* openFile({ ...source, problems }, name);
    const layers = chain ? yield* readChain({ ...source, problems }, chain) : [];
    // While git merges layers, those that a chain named may be gone.
    const changed = problems.length > 0 && (yield* openFile(source, name))?.identity !== chain?.identity;
    if (changed && tries < CHAIN_TRIES) continue;
    source.problems.push(...problems);
    return layers;
  }
}

/** Each line names a layer, which may lie in any of the directories. */
function* readChain(source: CommitGraphSource, chain: IndexFile): Stretches<CommitGraphLayer[]> {
  const { directories, format, problems } = source;
  const layers: CommitGraphLayer[] = [];
  for (const hash of chain.data.toString('latin1').split('\n').slice(0, -1)) {
    if (hash.length !== format.hexLength || /[^0-9a-f]/.test(hash)) {
      problems.push(`${chain.path}: a line is no hash`);
      break;
    }
    let layer: CommitGraphLayer | undefined;
    for (const directory of directories) {
      const name = path.join(directory, 'info', 'commit-graphs', `graph-${hash}.graph`);
      layer = yield* openLayer(source, name, layers);
      if (layer) break;
    }
    if (layer?.trailer.toString('hex') !== hash) {
      problems.push(`${chain.path}: there is no sound layer ${hash}`);
      break;
    }
    layers.push(layer);
  }
  return layers;
}

function* openLayer(
  source: CommitGraphSource,
  name: string,
  below: readonly CommitGraphLayer[],
): Stretches<CommitGraphLayer | undefined> {
  const file = yield* openFile(source, name);
  try {
    return file && (yield* CommitGraphLayer.read(file, source.format, below));
  } catch (error) {
    source.problems.push(reasonOf(error));
    return undefined;
  }
}

function* openFile({ files, problems }: CommitGraphSource, name: string): Stretches<IndexFile | undefined> {
  try {
    return yield* files.open(name);
  } catch (error) {
    problems.push(`${name}: ${reasonOf(error)}`);
    return undefined;
  }
}
