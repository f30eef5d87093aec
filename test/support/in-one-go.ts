/** Index files, for tests that have no one else to wait for. */
import type { IndexCopy, Tables } from '../../src/repository/index-copy.ts';
import type { IndexFile, IndexFiles } from '../../src/repository/index-files.ts';
import { already, inOneGo, type Stretches } from '../../src/stretches.ts';

export function openFile(files: IndexFiles, path: string): IndexCopy | undefined {
  return inOneGo(files.open(path));
}

export function derive<T extends Tables>(file: Pick<IndexFile, 'derive'>, name: string, make: () => T): T {
  return inOneGo(file.derive(name, (): Stretches<T> => already(make())));
}
