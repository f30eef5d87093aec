/** The index of an open pack, which may lie in memory that all workers share. */
import path from 'node:path';
import { reasonOf } from '../errors.ts';
import { inOneGo, type Stretches } from '../stretches.ts';
import type { IndexCopy } from './index-copy.ts';
import type { IndexFiles } from './index-files.ts';
import type { ObjectFormat } from './object-format.ts';
import { PackIndex } from './pack-index.ts';

export class HeldIndex {
  readonly #stem: string;
  readonly #format: ObjectFormat;
  readonly #files: IndexFiles;
  #file: IndexCopy;
  /** Why the `.rev` file could not be read when the pack was opened: that says nothing of the file. */
  #revFault: string | undefined;
  #index!: PackIndex;

  private constructor(stem: string, format: ObjectFormat, files: IndexFiles, file: IndexCopy) {
    this.#stem = stem;
    this.#format = format;
    this.#files = files;
    this.#file = file;
  }

  /**
   * @param stem path of the pack without its extension
   * @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT`, or the system's error (`ENOENT` where there is no index)
   */
  static *open(stem: string, format: ObjectFormat, files: IndexFiles): Stretches<HeldIndex> {
    const file = yield* files.open(`${stem}.idx`);
    if (!file)
      throw Object.assign(new Error(`${stem}.idx is not there`), { code: 'ENOENT', syscall: 'open' });
    const held = new HeldIndex(stem, format, files, file);
    held.#index = yield* held.#read();
    return held;
  }

  get index(): PackIndex {
    return this.#index;
  }

  /** Why a `.rev` file is not used. */
  get problems(): string[] {
    const why = this.#revFault ?? this.#index.revProblem;
    return why === undefined ? [] : [`${this.#stem}.rev: ${why}`];
  }

  /** Says that the index is used again, and takes over the copy that the workers agreed on: its tables are made. */
  renew(): void {
    this.#revFault = undefined;
    this.#file = this.#files.use(this.#file);
    if (!inOneGo(this.#index.readsFrom(this.#file))) this.#index = inOneGo(this.#read());
  }

  /** Whether the index takes no memory but that of the files that are held. */
  get isHeld(): boolean {
    return this.#files.holds(this.#file);
  }

  /** Says that the file is gone from the disk. */
  drop(): void {
    this.#files.drop(this.#file);
  }

  #read(): Stretches<PackIndex> {
    const name = `${path.basename(this.#stem)}.idx`;
    return PackIndex.read(this.#file, this.#format, name, () => this.#readRev());
  }

  *#readRev(): Stretches<Buffer | undefined> {
    try {
      return yield* this.#files.readOnce(`${this.#stem}.rev`);
    } catch (error) {
      this.#revFault = reasonOf(error);
      return undefined;
    }
  }
}
