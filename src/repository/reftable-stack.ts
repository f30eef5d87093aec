/** The tables of a directory `reftable`: `tables.list` names them, oldest first (protocol section 6.13). */
import path from 'node:path';
import { repositoryCorrupt } from '../errors.ts';
import type { Stretches } from '../stretches.ts';
import type { IndexFile, IndexFiles } from './index-files.ts';
import { unlessMissing } from './missing-file.ts';
import type { ObjectFormat } from './object-format.ts';
import { Reftable } from './reftable.ts';
import { readSmallFile } from './small-file.ts';
import type { Stamps } from './stamps.ts';

/** A list that has changed so often while its tables were opened is given up on. */
const MOST_CHANGES = 100;

/** Bytes of a list of tables: git merges them before there are a hundred. */
const LARGEST_LIST = 1024 * 1024;

/**
 * Opens the tables as they are now, the newest first. A repository has at least one, with its HEAD.
 * @param directory the one with `tables.list`; its stamp is that of all refs in it, as tables never change
 * @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT`, or the system's error when a file cannot be read
 */
export function* openTables(
  directory: string,
  format: ObjectFormat,
  files: IndexFiles,
  stamps: Stamps,
): Stretches<Reftable[]> {
  const list = path.join(directory, 'tables.list');
  let before: string | undefined;
  for (let changes = 0; changes < MOST_CHANGES; changes++) {
    stamps.see(list, true);
    const text = unlessMissing(() => readSmallFile(list, LARGEST_LIST), undefined)?.toString('latin1') ?? '';
    const names = parseNames(text);
    const opened = yield* openFiles(directory, names, files);
    if (typeof opened !== 'string') return yield* readTables(opened, format);
    // A table goes when its refs have been written to another, and the list comes before that.
    if (text === before) throw repositoryCorrupt(`reftable/tables.list names ${opened}, which is not there`);
    before = text;
  }
  throw repositoryCorrupt('reftable/tables.list does not come to rest');
}

function parseNames(text: string): string[] {
  const names = text.split('\n');
  if (names.pop() !== '') throw repositoryCorrupt('reftable/tables.list is cut short');
  const found = names.filter((name) => name !== '');
  if (found.length === 0) throw repositoryCorrupt('reftable/tables.list names no table');
  const strange = found.find((name) => !/^\w[\w.-]*$/.test(name));
  if (strange !== undefined) throw repositoryCorrupt('reftable/tables.list holds what is no name of a table');
  return found;
}

/** The files, or the name of one that is not there. */
function* openFiles(
  directory: string,
  names: readonly string[],
  files: IndexFiles,
): Stretches<IndexFile[] | string> {
  const opened: IndexFile[] = [];
  for (const name of names) {
    const file = yield* files.open(path.join(directory, name));
    if (!file) return name;
    opened.push(file);
  }
  return opened;
}

function* readTables(files: readonly IndexFile[], format: ObjectFormat): Stretches<Reftable[]> {
  const tables: Reftable[] = [];
  for (const file of files) tables.unshift(yield* Reftable.read(file, format));
  return tables;
}
