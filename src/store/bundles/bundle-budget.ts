/** Keeps the files of bundles within a budget: those of the repository that was not used for the longest time leave first. */
import fs from 'node:fs';
import path from 'node:path';
import { unlessMissing } from '../../repository/missing-file.ts';
import type { Bundle, BundleList } from './bundle-list.ts';
import { fileName } from './bundle-writer.ts';
import { type ListFile, statOf } from './list-file.ts';

/** A file that is being written. */
export interface Growing {
  readonly file: string;
  /** It may come to be so many bytes long. */
  readonly bytes: number;
  /** Whether it is of use only together with what its repository offers already. */
  readonly goesOn: boolean;
}

/** What is to be seen of it from outside: shared memory, one element each. */
export interface BundleCounts {
  /** Bytes of files that are kept. */
  readonly held: BigInt64Array;
  /** Bundles that left for want of room, since the start. */
  readonly evicted: BigInt64Array;
}

/** The files of one repository. */
interface Kept {
  readonly directory: string;
  readonly list: BundleList | undefined;
  /** Milliseconds since 1970. */
  readonly lastUse: number;
  /** Bytes by name. */
  readonly sizes: ReadonlyMap<string, number>;
}

/** Bundles that may leave together. */
interface Leaving {
  readonly kept: Kept;
  readonly bundles: readonly Bundle[];
  readonly bytes: number;
}

export class BundleBudget {
  readonly #root: string;
  readonly #lists: ListFile;
  readonly #budget: number;
  readonly #counts: BundleCounts | undefined;

  /**
   * @param root where the directories of the repositories are
   * @param budget bytes
   */
  constructor(root: string, lists: ListFile, budget: number, counts: BundleCounts | undefined) {
    this.#root = root;
    this.#lists = lists;
    this.#budget = budget;
    this.#counts = counts;
  }

  /**
   * Removes what has to leave: what is offered no more, then what is, and last of all what another bundle is to take the
   * place of. Who reads a file that leaves reads on.
   * @returns false where that would not be enough; then nothing leaves
   */
  makeRoom(growing?: Growing): boolean {
    const all = this.#survey(growing?.file).sort((a, b) => a.lastUse - b.lastUse);
    const held = all.reduce((sum, { sizes }) => sum + total(sizes.values()), 0);
    const leaving = inOrder(all, growing);
    let over = held + (growing?.bytes ?? 0) - this.#budget;
    if (growing && over > total(leaving.map(({ bytes }) => bytes))) return false;
    let removed = 0;
    for (const each of leaving) {
      if (over <= 0) break;
      this.#remove(each);
      over -= each.bytes;
      removed += each.bytes;
    }
    if (this.#counts) Atomics.store(this.#counts.held, 0, BigInt(held - removed));
    return true;
  }

  /** @param unfinished a file that is not counted */
  #survey(unfinished: string | undefined): Kept[] {
    return namesIn(this.#root).map((name) => {
      const directory = path.join(this.#root, name);
      const sizes = new Map<string, number>();
      for (const file of namesIn(directory)) {
        const where = path.join(directory, file);
        if (where !== unfinished) sizes.set(file, statOf(where)?.size ?? 0);
      }
      const list = this.#lists.read(directory);
      return { directory, list, lastUse: this.#lists.lastUse(directory), sizes };
    });
  }

  #remove({ kept: { directory, list, sizes }, bundles }: Leaving): void {
    // First none is named any more.
    if (bundles === list!.offered) this.#lists.remove(directory);
    else this.#lists.forgetRetired(directory, list!);
    for (const { id } of bundles) fs.rmSync(path.join(directory, fileName(id)), { force: true });
    const there = bundles.filter(({ id }) => sizes.has(fileName(id)));
    if (this.#counts) Atomics.add(this.#counts.evicted, 0, BigInt(there.length));
  }
}

/** @param all the least recently used first */
function inOrder(all: readonly Kept[], growing: Growing | undefined): Leaving[] {
  const listed = all.filter(({ list }) => list);
  const own = growing && path.dirname(growing.file);
  const others = listed.filter(({ directory }) => directory !== own);
  const before = growing?.goesOn ? [] : listed.filter(({ directory }) => directory === own);
  const leaving = [
    ...listed.map((kept) => ({ kept, bundles: kept.list!.retired })),
    ...[...others, ...before].map((kept) => ({ kept, bundles: kept.list!.offered })),
  ];
  return leaving
    .map(({ kept, bundles }) => {
      const bytes = total(bundles.map(({ id }) => kept.sizes.get(fileName(id)) ?? 0));
      return { kept, bundles, bytes };
    })
    .filter(({ bundles }) => bundles.length > 0);
}

function total(numbers: Iterable<number>): number {
  return [...numbers].reduce((sum, each) => sum + each, 0);
}

function namesIn(directory: string): string[] {
  return unlessMissing(() => fs.readdirSync(directory), []);
}
