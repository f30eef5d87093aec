/** Whether files and directories are still as they were when they were read. */
import fs from 'node:fs';
import type { Pause } from '../stretches.ts';
import { isMissing } from './missing-file.ts';

/**
 * Milliseconds. The clocks of file systems tick slowly, so what is written twice within a tick has one stamp; what was
 * written longer than this before it was read gets another stamp when it is written again. The same as git's rule for
 * its index, which calls such an entry racily clean.
 */
const SETTLED = 2000;

/** Of each path: inode, size, modification time, change time; a path with nothing there has -1 in each. */
const FIELDS = 4;

/** What `stat` said of everything that an answer was made from. */
export class Stamps {
  readonly #paths: (string | Buffer)[] = [];
  readonly #follows: boolean[] = [];
  readonly #values: number[] = [];
  #youngest = 0;

  /**
   * To be called before the path is read: a change in between then makes the stamp a stale one.
   * @param follow whether what a symbolic link leads to is meant, not the link itself
   * @returns what is there, if anything
   * @throws the system's error when that cannot be told
   */
  see(path: string | Buffer, follow = false): fs.Stats | undefined {
    const stat = statOf(path, follow);
    this.#paths.push(path);
    this.#follows.push(follow);
    if (stat) {
      this.#values.push(stat.ino, stat.size, stat.mtimeMs, stat.ctimeMs);
      this.#youngest = Math.max(this.#youngest, stat.mtimeMs, stat.ctimeMs);
    } else this.#values.push(-1, -1, -1, -1);
    return stat;
  }

  /** Takes over what others saw. */
  join(other: Stamps): void {
    this.#paths.push(...other.#paths);
    this.#follows.push(...other.#follows);
    this.#values.push(...other.#values);
    this.#youngest = Math.max(this.#youngest, other.#youngest);
  }

  /** Says that something was read that has no stamp. */
  spoil(): void {
    this.#youngest = Number.POSITIVE_INFINITY;
  }

  /** Whether every change from now on shows. @param began when the first path was seen, milliseconds since 1970 */
  settled(began: number): boolean {
    return this.#youngest + SETTLED <= began;
  }

  /** Whether everything is as it was. */
  hold(): boolean {
    for (let i = 0; i < this.#paths.length; i++) if (!this.#holds(i)) return false;
    return true;
  }

  /** {@link hold} that gives way in between. */
  async stillHold(pause: Pause): Promise<boolean> {
    for (let i = 0; i < this.#paths.length; i++) {
      if (!this.#holds(i)) return false;
      const rest = i % 16 === 15 ? pause() : undefined;
      if (rest) await rest;
    }
    return true;
  }

  /** Bytes of memory, about. */
  get memory(): number {
    return this.#paths.reduce((sum, path) => sum + path.length + 150, 0);
  }

  #holds(i: number): boolean {
    const stat = statOf(this.#paths[i], this.#follows[i]);
    const at = i * FIELDS;
    if (!stat) return this.#values[at] === -1;
    return (
      stat.ino === this.#values[at] &&
      stat.size === this.#values[at + 1] &&
      stat.mtimeMs === this.#values[at + 2] &&
      stat.ctimeMs === this.#values[at + 3]
    );
  }
}

const QUIET = { throwIfNoEntry: false } as const;

function statOf(path: string | Buffer, follow: boolean): fs.Stats | undefined {
  try {
    return follow ? fs.statSync(path, QUIET) : fs.lstatSync(path, QUIET);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
