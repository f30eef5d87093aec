/** The file `shallow` (protocol section 6.16): commits whose parents a repository does not have. */
import fs from 'node:fs';
import path from 'node:path';
import { repositoryCorrupt } from '../errors.ts';
import { unlessMissing } from './missing-file.ts';
import type { ObjectFormat } from './object-format.ts';

/**
 * The ids, hex, sorted; the objects need not be there. Undefined where there is no such file: with an empty one, too, a
 * repository is a shallow one.
 * @throws PackhorseError `PACKHORSE_REPOSITORY_CORRUPT` when a line is no id
 */
export function readShallowFile(commonDirectory: string, format: ObjectFormat): string[] | undefined {
  const file = path.join(commonDirectory, 'shallow');
  // Hardly any repository has one, and an exception costs more than a look.
  if (!fs.statSync(file, { throwIfNoEntry: false })) return undefined;
  const text = unlessMissing(() => fs.readFileSync(file, 'latin1'), undefined);
  if (text === undefined) return undefined;
  const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n');
  return [...new Set(lines.map((line) => readId(line, format)))].sort();
}

function readId(line: string, { hexLength }: ObjectFormat): string {
  const id = line.slice(0, hexLength).toLowerCase();
  if (id.length < hexLength || /[^0-9a-f]/.test(id)) throw repositoryCorrupt(`bad shallow line: ${line}`);
  return id;
}
