/** Keeping to the directories that may be read, wherever links lead. */
import fs from 'node:fs';
import path from 'node:path';
import { isMissing } from './missing-file.ts';

/** Which directories may be read; `allowed` gets real paths. */
export type AllowDirectory = (realPath: string) => boolean;

export const allowAll: AllowDirectory = () => true;

/** Where a path leads in the end; undefined where nothing is there, or a link that leads to itself. */
export function realPath(file: string): string | undefined {
  return unlessNowhere(() => fs.statSync(file, QUIET) && fs.realpathSync.native(file));
}

export function isDirectory(file: string): boolean {
  return unlessNowhere(() => fs.statSync(file, QUIET)?.isDirectory()) ?? false;
}

/** Much that is looked for is not there, and an exception costs more than a look. */
const QUIET = { throwIfNoEntry: false } as const;

function unlessNowhere<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (isMissing(error) || (error as NodeJS.ErrnoException).code === 'ELOOP') return undefined;
    throw error;
  }
}

/**
 * Whether none of a directory's parts is a link to what may not be read.
 * @param directory a real path
 * @param parts what is read of it, parents first; they need not be there
 */
export function staysInside(directory: string, parts: readonly string[], allowed: AllowDirectory): boolean {
  const parents = new Map<string, string | undefined>([['.', directory]]);
  return parts.every((name) => {
    const parent = parents.get(path.dirname(name));
    const real = parent && realChild(path.join(parent, path.basename(name)));
    parents.set(name, real);
    return !real || allowed(real);
  });
}

/** The real path of a file in a directory whose path is real; undefined where there is none. */
function realChild(file: string): string | undefined {
  return unlessNowhere(() => {
    const stat = fs.lstatSync(file, QUIET);
    return stat?.isSymbolicLink() ? fs.realpathSync.native(file) : stat && file;
  });
}
