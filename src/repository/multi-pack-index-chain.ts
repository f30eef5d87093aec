/** The multi-pack-index of an object directory as it lies on disk: one file, or the layers of a chain. */
import path from 'node:path';
import { reasonOf, repositoryCorrupt } from '../errors.ts';
import { inOneGo, type Stretches } from '../stretches.ts';
import type { IndexFiles } from './index-files.ts';
import { IndexedPacks } from './indexed-packs.ts';
import { MultiPackIndexLayer } from './multi-pack-index-layer.ts';
import { NumberedLayer } from './numbered-layer.ts';
import type { ObjectFormat } from './object-format.ts';
import type { PackFile } from './pack-file.ts';

const NAME = 'multi-pack-index';
const DIRECTORY = 'multi-pack-index.d';
const CHAIN = `${DIRECTORY}/${NAME}-chain`;

/** What came of reading: without `indexed`, packs are searched by their own indexes. */
export interface ReadMultiPackIndex {
  readonly indexed: IndexedPacks | undefined;
  /** Why files, or layers of a chain, are not used. */
  readonly problems: readonly string[];
}

/**
 * Reads the multi-pack-index of the packs in `directory`. One file is preferred to a chain; of a chain, the layers up
 * to the first that cannot be used are. Nothing that is wrong with them is an error.
 * @param directory the `pack` directory
 * @param packs the packs of the directory that can be read
 */
export function* readMultiPackIndex(
  directory: string,
  packs: readonly PackFile[],
  format: ObjectFormat,
  files: IndexFiles,
): Stretches<ReadMultiPackIndex> {
  const problems: string[] = [];
  const byName = new Map(packs.map((pack) => [pack.name, pack]));
  const read = function* (names: Iterable<string>): Stretches<IndexedPacks | undefined> {
    const layers: NumberedLayer[] = [];
    let reading = CHAIN;
    try {
      for (const name of names) {
        reading = name;
        const layer = yield* readLayer(path.join(directory, name), format, files, layers);
        if (layer) layers.push(yield* NumberedLayer.read(layer, byName, layers));
        else if (name !== NAME) throw repositoryCorrupt('it is not there');
        reading = CHAIN;
      }
    } catch (error) {
      problems.push(`${path.join(directory, reading)}: ${reasonOf(error)}`);
    }
    return layers.length > 0 ? new IndexedPacks(layers) : undefined;
  };
  const indexed = (yield* read([NAME])) ?? (yield* read(chainOf(directory, format, files)));
  return { indexed, problems };
}

/** Undefined where there is no such file. */
function* readLayer(
  file: string,
  format: ObjectFormat,
  files: IndexFiles,
  below: readonly NumberedLayer[],
): Stretches<MultiPackIndexLayer | undefined> {
  const opened = yield* files.open(file);
  if (!opened) return undefined;
  const base = below.at(-1)?.layer.end ?? { objects: 0, packs: 0 };
  const beside = path.join(path.dirname(file), NAME);
  return yield* MultiPackIndexLayer.read(opened, format, base, (hash) => files.open(`${beside}-${hash}.rev`));
}

/** The files of a chain: one checksum a line, the oldest first. A line without its end is not there yet. */
function* chainOf(directory: string, format: ObjectFormat, files: IndexFiles): Generator<string> {
  const file = inOneGo(files.open(path.join(directory, CHAIN)));
  if (!file) return;
  for (const line of file.data.toString('latin1').split('\n').slice(0, -1)) {
    if (line.length !== format.hexLength || !/^[0-9a-f]+$/.test(line)) {
      throw repositoryCorrupt('a line of it is not a checksum');
    }
    yield `${DIRECTORY}/${NAME}-${line}.midx`;
  }
}
