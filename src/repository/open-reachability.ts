/** Finding the bitmaps of a view: those of a multi-pack-index, or of a pack. */
import { reasonOf, repositoryCorrupt } from '../errors.ts';
import type { Stretches } from '../stretches.ts';
import { BitmapFile } from './bitmap-file.ts';
import type { IndexFiles } from './index-files.ts';
import type { NumberSet } from './number-set.ts';
import type { NumberedPack } from './numbered-layer.ts';
import type { ObjectView } from './object-view.ts';
import { type BitLayout, Reachability } from './reachability.ts';
import type { ViewedIndex } from './viewed-index.ts';

/**
 * The bitmaps that the view is laid out for; git too takes only one. Undefined where there are none.
 * @param unusable told why a file cannot be used
 */
export function* openReachability(
  view: ObjectView,
  files: IndexFiles,
  unusable: (file: string, why: string) => void,
): Stretches<Reachability | undefined> {
  const { bitmapped } = view;
  if (!bitmapped) return undefined;
  const path = 'pack' in bitmapped ? `${bitmapped.pack.stem}.bitmap` : bitmapped.bitmapPaths.at(-1)!;
  try {
    if ('pack' in bitmapped) return yield* openOfPack(bitmapped, view, files, path);
    return yield* openOfIndex(bitmapped, view, files);
  } catch (error) {
    unusable(path, reasonOf(error));
    return undefined;
  }
}

function* openOfPack(
  packed: NumberedPack,
  view: ObjectView,
  files: IndexFiles,
  path: string,
): Stretches<Reachability | undefined> {
  const file = yield* files.open(path);
  if (!file) return undefined;
  const { index } = packed.pack;
  const bitmaps = yield* BitmapFile.read(file, view.format, { objects: index.count }, index.packHash);
  return new Reachability([bitmaps], new PackLayout(packed));
}

/** Every layer of a chain must have its bitmap: each holds the types of its own objects only. */
function* openOfIndex(viewed: ViewedIndex, view: ObjectView, files: IndexFiles): Stretches<Reachability> {
  const numbers = yield* viewed.numbersOfBits();
  if (!numbers) throw repositoryCorrupt('the order of its bits is not known');
  const { layers } = viewed.index;
  const bitmaps: BitmapFile[] = [];
  for (const [i, path] of viewed.bitmapPaths.entries()) {
    const file = yield* files.open(path);
    if (!file) throw repositoryCorrupt(`${path} is not there`);
    const { base, end, checksum } = layers[i];
    const scope = { objects: end.objects, below: base.objects };
    bitmaps.push(yield* BitmapFile.read(file, view.format, scope, checksum));
  }
  return new Reachability(bitmaps, new IndexLayout(viewed, view, numbers));
}

/** Words of bits that are renumbered in one stretch: some 0.3 ms. */
const PACE = 1024;

/** The bits of a pack's bitmap are its ranks, and numbers are aligned: words fit words. */
class PackLayout implements BitLayout {
  readonly #packed: NumberedPack;

  constructor(packed: NumberedPack) {
    this.#packed = packed;
  }

  get objects(): number {
    return this.#packed.pack.index.count;
  }

  positionOf(number: number): number {
    const { pack, base } = this.#packed;
    const rank = number - base;
    return rank >= 0 && rank < pack.index.count ? pack.index.positionOf(rank) : -1;
  }

  *addTo(set: NumberSet, words: Uint32Array): Stretches<void> {
    yield;
    const to = set.packedWords(this.#packed.base, words.length);
    for (let i = 0; i < words.length; i++) to[i] |= words[i];
  }
}

class IndexLayout implements BitLayout {
  readonly #viewed: ViewedIndex;
  readonly #view: ObjectView;
  readonly #numbers: Uint32Array;
  /** As many words from the first one on stand for as many words of numbers: the preferred pack's. */
  readonly #alike: number;

  /** @param numbers by bit */
  constructor(viewed: ViewedIndex, view: ObjectView, numbers: Uint32Array) {
    this.#viewed = viewed;
    this.#view = view;
    this.#numbers = numbers;
    let alike = 0;
    if (numbers[0] % 32 === 0)
      while (alike < numbers.length && numbers[alike] === numbers[0] + alike) alike++;
    this.#alike = alike >>> 5;
  }

  get objects(): number {
    return this.#numbers.length;
  }

  positionOf(number: number): number {
    return number < this.#view.packedEnd ? this.#viewed.index.find(this.#view.oid(number)) : -1;
  }

  *addTo(set: NumberSet, words: Uint32Array): Stretches<void> {
    const alike = Math.min(this.#alike, words.length);
    if (alike > 0) {
      const to = set.packedWords(this.#numbers[0], alike);
      for (let i = 0; i < alike; i++) to[i] |= words[i];
    }
    for (let i = alike; i < words.length; i++) {
      if (i % PACE === PACE - 1) yield;
      for (let rest = words[i]; rest !== 0; rest &= rest - 1) {
        set.add(this.#numbers[i * 32 + 31 - Math.clz32(rest & -rest)]);
      }
    }
  }
}
