/** The repositories of the benches: made by git, always the same, and kept for the next run. */
import fs from 'node:fs';
import path from 'node:path';
import { git, makeBareRepository } from './git.ts';
import { COMMITS, makeHistory } from './history.ts';
import { makeRefs } from './many-refs.ts';
import { makeLooseBlob, makeManyBlobs, makePackedBlob, makeTiny } from './random-blobs.ts';

interface Recipe {
  /** Counted up when the recipe changes, so that no old repository is measured. */
  readonly version: number;
  readonly make: (directory: string) => Promise<void>;
  /** Whether refs stay files of their own; elsewhere they are packed. */
  readonly looseRefs?: boolean;
}

const RECIPES = {
  /** One commit: warms the service up. */
  tiny: { version: 1, make: makeTiny },
  /** 1,445 objects in a pack of 161 MB. */
  'many-blobs': { version: 1, make: makeManyBlobs },
  /** One blob of 1 GiB in a pack. */
  'packed-blob': { version: 1, make: makePackedBlob },
  /** One blob of 1 GiB as a loose object. */
  'loose-blob': { version: 1, make: makeLooseBlob },
  /** About 400,000 objects of a long history, with deltas, as `git gc` leaves it. */
  history: { version: 1, make: makeHistory },
  /** As many refs as the name says. */
  'refs-5': { version: 1, make: (directory) => makeRefs(directory, 5) },
  'refs-1000': { version: 1, make: (directory) => makeRefs(directory, 1000) },
  'loose-refs-1000': { version: 1, make: (directory) => makeRefs(directory, 1000), looseRefs: true },
  'refs-100000': { version: 1, make: (directory) => makeRefs(directory, 100_000) },
} as const satisfies Record<string, Recipe>;

export type RepositoryName = keyof typeof RECIPES;

/**
 * Makes a repository below `directory` if it is not there yet.
 * @returns its name below `directory`, which is its path in URLs too
 */
export function ensureRepository(directory: string, name: RepositoryName): Promise<string> {
  const recipe: Recipe = RECIPES[name];
  return ensure(directory, `${name}-${recipe.version}.git`, recipe);
}

/** The same with a history of so many commits. */
export function ensureHistory(directory: string, commits: number = COMMITS): Promise<string> {
  if (commits === COMMITS) return ensureRepository(directory, 'history');
  const { version } = RECIPES.history;
  const make = (target: string) => makeHistory(target, commits);
  return ensure(directory, `history-${version}-${commits}.git`, { version, make });
}

async function ensure(directory: string, file: string, { make, looseRefs }: Recipe): Promise<string> {
  const target = path.join(directory, file);
  if (fs.existsSync(target)) return file;
  process.stderr.write(`making ${target}\n`);
  fs.mkdirSync(directory, { recursive: true });
  // Renamed when it is whole: a run that was interrupted leaves nothing that looks finished.
  const unfinished = fs.mkdtempSync(`${target}-`);
  makeBareRepository(unfinished);
  await make(unfinished);
  if (!looseRefs) git(unfinished, 'pack-refs', '--all');
  fs.renameSync(unfinished, target);
  return file;
}
