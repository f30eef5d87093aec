/** An installation that lacks optional packages. */
import fs from 'node:fs';
import path from 'node:path';
import { temporaryDirectory } from './directory.ts';

const PROJECT = path.resolve(import.meta.dirname, '../..');
const PACKAGES = path.join(PROJECT, 'node_modules');

/**
 * The service with all packages but some; its main file.
 * @param isMissing told a name such as `pino` or `@scope/name`
 */
export function installWithout(isMissing: (name: string) => boolean): string {
  const directory = temporaryDirectory();
  for (const name of ['src', 'workers', 'package.json'])
    fs.cpSync(path.join(PROJECT, name), path.join(directory, name), { recursive: true });
  const packages = path.join(directory, 'node_modules');
  for (const name of packageNames()) {
    if (isMissing(name)) continue;
    fs.mkdirSync(path.dirname(path.join(packages, name)), { recursive: true });
    fs.symlinkSync(path.join(PACKAGES, name), path.join(packages, name));
  }
  return path.join(directory, 'src/main.ts');
}

function packageNames(): string[] {
  const names = fs.readdirSync(PACKAGES).filter((name) => !name.startsWith('.'));
  return names.flatMap((name) =>
    name.startsWith('@') ? fs.readdirSync(path.join(PACKAGES, name)).map((own) => `${name}/${own}`) : [name],
  );
}
