/** The file that names the bundles of a repository, in their directory. When it was modified says when they were used. */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { isSystemError } from '../../errors.ts';
import { unlessMissing } from '../../repository/missing-file.ts';
import { type BundleList, decodeList, encodeList } from './bundle-list.ts';

export const LIST = 'list.json';
/** Lists that are remembered. */
const MOST_REMEMBERED = 1000;
/** Milliseconds: uses are not told apart more finely. */
const USE_STEP = 60_000;

export class ListFile {
  readonly #now: () => number;
  readonly #known = new Map<string, { readonly stamp: string; readonly list: BundleList | undefined }>();

  /** @param now milliseconds since 1970 */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** undefined where there is none, or it cannot be understood. */
  read(directory: string): BundleList | undefined {
    const file = path.join(directory, LIST);
    const stat = statOf(file);
    if (!stat) return undefined;
    const stamp = stampOf(stat);
    const known = this.#known.get(directory);
    if (known?.stamp === stamp) return known.list;
    const text = unlessMissing(() => fs.readFileSync(file, 'utf8'), '');
    const list = decodeList(text);
    if (this.#known.size === MOST_REMEMBERED) this.#known.clear();
    this.#known.set(directory, { stamp, list });
    return list;
  }

  /** Puts it in the place of the one before, and counts as a use where no other time is said. */
  write(directory: string, list: BundleList, lastUse = this.#now()): void {
    const unfinished = path.join(directory, `${process.pid}.${crypto.randomBytes(4).toString('hex')}.tmp`);
    fs.writeFileSync(unfinished, encodeList(list), { flush: true, mode: 0o600 });
    setModified(unfinished, lastUse);
    fs.renameSync(unfinished, path.join(directory, LIST));
  }

  remove(directory: string): void {
    fs.rmSync(path.join(directory, LIST), { force: true });
  }

  /** Names only those any more that are offered. */
  forgetRetired(directory: string, list: BundleList): void {
    this.write(directory, { ...list, retired: [] }, this.lastUse(directory));
  }

  /** Milliseconds since 1970; 0 where there is none. */
  lastUse(directory: string): number {
    return statOf(path.join(directory, LIST))?.mtimeMs ?? 0;
  }

  /** They are used now: what was used leaves last. */
  used(directory: string): void {
    const now = this.#now();
    if (Math.abs(now - this.lastUse(directory)) < USE_STEP) return;
    try {
      setModified(path.join(directory, LIST), now);
    } catch (error) {
      // It left meanwhile, or who reads may not write.
      if (!isSystemError(error)) throw error;
    }
  }
}

export function statOf(file: string): fs.Stats | undefined {
  return unlessMissing(() => fs.statSync(file, { throwIfNoEntry: false }), undefined);
}

/** Changes when the file does. */
export function stampOf({ ino, size, mtimeMs, ctimeMs }: fs.Stats): string {
  return `${ino}:${size}:${mtimeMs}:${ctimeMs}`;
}

function setModified(file: string, milliseconds: number): void {
  const time = new Date(milliseconds);
  fs.utimesSync(file, time, time);
}
