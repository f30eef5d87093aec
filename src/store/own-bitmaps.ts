/**
 * Bitmaps of our own, for repositories whose owner made none: files below the cache directory, one a repository. A file
 * is a list of packs, in the order of their bits, and a bitmap file of git's form in which positions are bits:
 *
 *     'PHB1', number of packs (u32), for each: its trailing hash, its number of objects (u32); the bitmap file
 *
 * The bits of each pack begin at a multiple of 64. It holds as long as all of its packs are there; packs that came since
 * are walked.
 */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { reasonOf, repositoryCorrupt } from '../errors.ts';
import { BitmapFile } from '../repository/bitmap-file.ts';
import { FoundElsewhere } from '../repository/found-elsewhere.ts';
import type { IndexFile, IndexFiles } from '../repository/index-files.ts';
import type { NumberSet } from '../repository/number-set.ts';
import type { ObjectView } from '../repository/object-view.ts';
import type { PackFile } from '../repository/pack-file.ts';
import { type BitLayout, Reachability } from '../repository/reachability.ts';
import type { Stretches } from '../stretches.ts';

const MAGIC = 'PHB1';
const PACK_ALIGNMENT = 64;
/** Milliseconds after which no one writes a file any more. */
const UNFINISHED_FOR = 3_600_000;

export class OwnBitmaps {
  readonly #directory: string;

  /** @param directory the cache directory; made when the first file is written */
  constructor(directory: string) {
    this.#directory = path.join(directory, 'bitmaps');
  }

  /**
   * The bitmaps of a repository, where there are any that hold.
   * @param unusable told why a file cannot be used; that its packs are gone is nothing to be told
   */
  *open(
    gitDirectory: string,
    view: ObjectView,
    files: IndexFiles,
    unusable: (file: string, why: string) => void,
  ): Stretches<Reachability | undefined> {
    const file = this.#file(gitDirectory);
    try {
      const found = yield* files.open(file);
      const bitmaps = found && (yield* openOwn(found, view));
      // A repack took packs away: what is known of them is of no use to anyone. Some may just not be readable now.
      if (found && !bitmaps && view.problems.length === 0) fs.rmSync(file, { force: true });
      return bitmaps;
    } catch (error) {
      unusable(file, reasonOf(error));
      return undefined;
    }
  }

  /** Puts a file in the place of the one before, whole or not at all. */
  write(gitDirectory: string, packs: PackSet, bitmaps: Buffer): void {
    const file = this.#file(gitDirectory);
    const unfinished = `${file}.${process.pid}.${crypto.randomBytes(4).toString('hex')}.tmp`;
    fs.mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    this.#sweep();
    try {
      fs.writeFileSync(unfinished, Buffer.concat([packs.list, bitmaps]), { flush: true });
      fs.renameSync(unfinished, file);
    } catch (error) {
      fs.rmSync(unfinished, { force: true });
      throw error;
    }
  }

  /** Removes what was never finished. */
  #sweep(): void {
    for (const name of fs.readdirSync(this.#directory)) {
      const file = path.join(this.#directory, name);
      const stat = name.endsWith('.tmp') && fs.statSync(file, { throwIfNoEntry: false });
      if (stat && Date.now() - stat.mtimeMs > UNFINISHED_FOR) fs.rmSync(file, { force: true });
    }
  }

  #file(gitDirectory: string): string {
    const name = crypto.createHash('sha256').update(gitDirectory).digest('hex').slice(0, 32);
    return path.join(this.#directory, `${name}.bitmap`);
  }
}

/** The packs that a file belongs to: the list that it begins with, and the hash of it. */
export interface PackSet {
  readonly list: Buffer;
  readonly checksum: Buffer;
}

/** The packs of a view as they are now. */
export function packSetOf(view: ObjectView): PackSet {
  const parts: Buffer[] = [];
  for (const { pack } of view.packs()) parts.push(pack.index.packHash, uint32(pack.index.count));
  const list = Buffer.concat([Buffer.from(MAGIC), uint32(parts.length / 2), ...parts]);
  return { list, checksum: checksumOf(list, view) };
}

function checksumOf(packs: Buffer, view: ObjectView): Buffer {
  return crypto.createHash(view.format.name).update(packs).digest();
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A pack's objects: their bits in the file, and their numbers in a view. */
interface Span {
  readonly bit: number;
  readonly pack: PackFile;
  readonly number: number;
}

/** undefined when one of the packs is gone. */
function* openOwn(file: IndexFile, view: ObjectView): Stretches<Reachability | undefined> {
  const { data } = file;
  const hash = view.format.bytes;
  const packsByName = new Map<string, { pack: PackFile; base: number }>();
  for (const entry of view.packs()) {
    const { packHash, count } = entry.pack.index;
    const name = `${packHash.toString('hex')}:${count}`;
    // One that lies in an alternate too is found in the first place.
    if (!packsByName.has(name)) packsByName.set(name, entry);
  }
  const spans: Span[] = [];
  if (data.length < 8 || data.toString('latin1', 0, 4) !== MAGIC) {
    throw repositoryCorrupt('it is not a bitmap file of ours');
  }
  const packs = data.readUInt32BE(4);
  const end = 8 + packs * (hash + 4);
  if (end > data.length) throw repositoryCorrupt('it is cut short');
  let bit = 0;
  for (let at = 8; at < end; at += hash + 4) {
    const count = data.readUInt32BE(at + hash);
    const found = packsByName.get(`${data.toString('hex', at, at + hash)}:${count}`);
    if (found === undefined) return undefined;
    spans.push({ bit, pack: found.pack, number: found.base });
    bit += Math.ceil(count / PACK_ALIGNMENT) * PACK_ALIGNMENT;
  }
  const body: Pick<IndexFile, 'data' | 'derive'> = {
    data: data.subarray(end),
    derive: (name, make) => file.derive(name, make),
  };
  const checksum = checksumOf(data.subarray(0, end), view);
  const bitmaps = yield* BitmapFile.read(body, view.format, { objects: bit }, checksum);
  return new Reachability([bitmaps], new PacksLayout(view, spans));
}

class PacksLayout implements BitLayout {
  readonly objects: number;
  readonly #view: ObjectView;
  readonly #spans: readonly Span[];
  #elsewhere: readonly FoundElsewhere[] | undefined;

  constructor(view: ObjectView, spans: readonly Span[]) {
    this.#view = view;
    this.#spans = spans;
    this.objects = spans.reduce((sum, { pack }) => sum + pack.index.count, 0);
  }

  positionOf(number: number): number {
    for (const { bit, pack, number: first } of this.#spans) {
      if (number >= first && number < first + pack.index.count) return bit + number - first;
    }
    return -1;
  }

  *addTo(set: NumberSet, words: Uint32Array): Stretches<void> {
    for (const { bit, pack, number } of this.#spans) {
      yield;
      const from = bit / 32;
      const to = set.packedWords(number, Math.ceil(pack.index.count / 32));
      for (let i = 0; i < to.length; i++) to[i] |= words[from + i];
    }
    this.#elsewhere ??= yield* this.#findElsewhere();
    for (const each of this.#elsewhere) yield* each.renumber(set);
  }

  *#findElsewhere(): Stretches<FoundElsewhere[]> {
    const found: FoundElsewhere[] = [];
    for (const span of this.#spans) {
      const others = this.#before(span);
      found.push(yield* FoundElsewhere.find(this.#view, span.pack, span.number, others));
    }
    return found;
  }

  /** The packs that may be asked before a stretch's, but for those that were when the file was made. */
  *#before(span: Span): Generator<PackFile> {
    const { bitmapped, multiPackIndexes } = this.#view;
    const inOrder = !bitmapped && multiPackIndexes.length === 0;
    const bitOf = new Map(this.#spans.map(({ pack, bit }) => [pack, bit]));
    for (const { pack, base } of this.#view.packs()) {
      const wasBefore = (bitOf.get(pack) ?? span.bit) < span.bit;
      if (pack !== span.pack && !(inOrder && (base > span.number || wasBefore))) yield pack;
    }
  }
}
