/** Repositories of test/fixtures/, which an older git cannot write. */
import fs from 'node:fs';
import path from 'node:path';

const FIXTURES = path.resolve(import.meta.dirname, '../fixtures');

const ALL = fs
  .readdirSync(FIXTURES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

/** Names of those with bitmaps, and of those with their refs in reftables. */
export const FIXTURE_NAMES: readonly string[] = ALL.filter((name) => !name.startsWith('reftable-'));
export const REFTABLE_FIXTURES: readonly string[] = ALL.filter((name) => name.startsWith('reftable-'));

/** Files that are no part of a repository but say what is in it. */
const NOTES = ['expected', 'ls-refs'];

/** A copy at `<directory>/<name>.git`, to be changed at will. */
export function copyFixture(directory: string, name: string): string {
  const copy = path.join(directory, `${name}.git`);
  const filter = (file: string) => !NOTES.includes(path.basename(file));
  fs.cpSync(path.join(FIXTURES, name), copy, { recursive: true, filter });
  fs.mkdirSync(path.join(copy, 'refs'), { recursive: true });
  return copy;
}

/** The ids of all objects that the refs of a fixture reach, sorted. */
export function expectedObjects(name: string): string[] {
  return fs
    .readFileSync(path.join(FIXTURES, name, 'expected'), 'utf8')
    .trimEnd()
    .split('\n');
}

/** The answer to `ls-refs` with `peel`, `symrefs` and `unborn`, of a fixture or of a worktree in it. */
export function expectedListing(name: string, worktree = ''): string {
  return fs.readFileSync(path.join(FIXTURES, name, worktree, 'ls-refs'), 'latin1');
}
