/** Repositories of test/fixtures/, which an older git cannot write. */
import fs from 'node:fs';
import path from 'node:path';

const FIXTURES = path.resolve(import.meta.dirname, '../fixtures');

/** Their names. */
export const FIXTURE_NAMES: readonly string[] = fs
  .readdirSync(FIXTURES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

/** A copy at `<directory>/<name>.git`, to be changed at will. */
export function copyFixture(directory: string, name: string): string {
  const copy = path.join(directory, `${name}.git`);
  fs.cpSync(path.join(FIXTURES, name), copy, { recursive: true });
  fs.rmSync(path.join(copy, 'expected'));
  fs.mkdirSync(path.join(copy, 'refs'));
  return copy;
}

/** The ids of all objects that the refs of a fixture reach, sorted. */
export function expectedObjects(name: string): string[] {
  return fs
    .readFileSync(path.join(FIXTURES, name, 'expected'), 'utf8')
    .trimEnd()
    .split('\n');
}
