import fs from 'node:fs';
import path from 'node:path';
import { parseAlternates } from '../../../src/repository/alternates.ts';
import { findGitDirectory } from '../../../src/repository/git-directory.ts';
import { RefPrefixes } from '../../../src/repository/ref-prefixes.ts';
import { Repository } from '../../../src/repository/repository.ts';
import { RepositoryCaches } from '../../../src/repository/repository-caches.ts';
import { copyFixture } from '../../support/fixtures.ts';
import { splitParts } from '../parts.ts';
import { scratchDirectory } from '../scratch.ts';
import { readCorpus } from '../storage.ts';
import { isDocumented, orRefused, type Target } from '../target.ts';

/** The parts of an input, in this order. */
const FILES = ['HEAD', 'refs/heads/loose', 'packed-refs', 'config', 'shallow', 'objects/info/alternates'];

let place: { readonly parent: string; readonly repository: string } | undefined;

/** The small files of a repository, then a gitfile: an empty part is a file that is not there. */
export const smallFiles: Target = {
  name: 'small-files',
  reads: 'HEAD, loose and packed refs, shallow, alternates, gitfiles, as a repository is opened',
  seeds: () => readCorpus('small-files'),
  tokens: [
    'ref: refs/heads/',
    'gitdir: ',
    '\n',
    '"',
    '\\042',
    '../',
    '#',
    'f'.repeat(40),
    '0'.repeat(40),
    '[core]\n',
  ],
  async run(input) {
    place ??= makePlace();
    const { parent, repository } = place;
    const parts = splitParts(input, FILES.length + 1);
    for (const [i, name] of FILES.entries()) put(path.join(repository, name), parts[i]);
    put(path.join(parent, 'gitfile'), parts[FILES.length]);
    orRefused(() => findGitDirectory(path.join(parent, 'gitfile'), { allowed: isInside }));
    parseAlternates(parts[5].toString(), ':');
    await readRefs(repository);
  },
};

function makePlace() {
  const parent = scratchDirectory();
  const repository = copyFixture(parent, 'pack-lookup-table');
  fs.mkdirSync(path.join(repository, 'refs/heads'), { recursive: true });
  fs.mkdirSync(path.join(repository, 'objects/info'), { recursive: true });
  return { parent, repository };
}

function put(file: string, content: Buffer): void {
  if (content.length > 0) fs.writeFileSync(file, content);
  else fs.rmSync(file, { force: true });
}

function isInside(real: string): boolean {
  return real.startsWith(place!.parent);
}

async function readRefs(directory: string): Promise<void> {
  const caches = new RepositoryCaches();
  let repository: Repository | undefined;
  try {
    repository = Repository.open(directory, caches, { allowed: isInside });
    orRefused(() => repository!.shallow);
    orRefused(() => repository!.refs.resolve('HEAD'));
    orRefused(() => repository!.refs.expand('loose'));
    orRefused(() => repository!.objects.view.packCount);
    const nothing = () => undefined;
    await repository.refs.visit(new RefPrefixes(), { loose: nothing, stored: nothing });
  } catch (error) {
    if (!isDocumented(error)) throw error;
  } finally {
    repository?.close();
    caches.close();
  }
}
