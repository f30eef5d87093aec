/** What is measured: one request to one repository, by whom it is answered, and how well it should be. */
import type { Source } from '../source.ts';

export interface Workload {
  readonly name: string;
  readonly repository: Source;
  readonly request: Buffer;
  readonly answer: PackAnswer | 'refs';
  /** Settings of each git that takes part; of each number the smaller one counts. */
  readonly gits: readonly GitSetting[];
  /** Whether the service makes a bitmap of its own before it is measured. */
  readonly ownBitmap: boolean;
  /** Undefined where there is none. */
  readonly targets: Targets | undefined;
}

/** What the pack must hold. */
export interface PackAnswer {
  /** Arguments of `git rev-list --objects` that list it. */
  readonly revisions: readonly string[];
  /** The commit that the client has, with all its history; undefined for a clone. */
  readonly client: string | undefined;
  /** Whether objects may refer to others that are left out: shallow and filtered packs. */
  readonly partial: boolean;
}

export interface GitSetting {
  readonly name: string;
  /** As `name=value`. */
  readonly config: readonly string[];
}

/** Most of the service's number by git's. */
export interface Targets {
  readonly cpuSeconds: number;
  readonly seconds: number;
  readonly bytes: number;
}

/** Where git itself takes less than 5 ms. */
export const SHORT: Targets = { cpuSeconds: 0.6, seconds: 0.6, bytes: 1 };

/** Growth of the service's RSS by git's peak, wherever that is above so many bytes. */
export const GROWTH_TARGET = 0.4;
export const GROWTH_COUNTS_FROM = 100e6;

/** As git is by default, and without bitmaps where there are some. */
export const GIT: GitSetting = { name: 'git', config: [] };
export const GIT_NO_BITMAP: GitSetting = { name: 'git, no bitmap', config: ['pack.useBitmaps=false'] };
