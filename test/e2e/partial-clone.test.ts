/** Partial clones by the real git: what was left out is fetched when it is needed. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { clone, gitIn, storedObjects } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { fsck, git } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { type RunningService, startService } from '../support/service.ts';

const root = temporaryDirectory();
let service: RunningService;

beforeAll(async () => {
  for (const [name, bitmaps] of [
    ['plain.git', 'false'],
    ['bitmapped.git', 'true'],
  ]) {
    const source = createRepository(root, name);
    const history = new History();
    for (let i = 0; i < 10; i++) {
      history.commit({
        branch: 'main',
        files: { [`d${i % 3}/file`]: `version ${i}\n`.repeat(50), same: 'x' },
      });
    }
    history.importInto(source);
    git(source, ['-c', `repack.writeBitmaps=${bitmaps}`, 'repack', '-adq']);
    git(source, ['config', 'uploadpack.allowFilter', 'true']);
  }
  service = await startService(root);
});

const typesOf = (directory: string) => {
  const lines = git(directory, ['cat-file', '--batch-all-objects', '--batch-check=%(objecttype)']).split(
    '\n',
  );
  return Object.fromEntries(
    ['commit', 'tree', 'blob'].map((type) => [type, lines.filter((line) => line === type).length]),
  );
};

test.each(['plain.git', 'bitmapped.git'])('without blobs, and a checkout: %s', async (name) => {
  const source = path.join(root, name);
  const target = await clone(service, name, ['--filter=blob:none', '--no-checkout']);
  expect(typesOf(target)).toMatchObject({ commit: 10, blob: 0 });
  await gitIn(target, ['checkout', '--quiet', 'main']);
  expect(typesOf(target)).toMatchObject({ commit: 10, blob: 4 });
  expect(fs.readFileSync(path.join(target, 'd0/file'), 'utf8')).toBe('version 9\n'.repeat(50));
  // Older versions come when they are looked at.
  expect(await gitIn(target, ['show', 'main~5:d1/file'])).toBe('version 4\n'.repeat(50));
  expect(await gitIn(target, ['log', '-p', '--format=%H'])).toBe(
    git(source, ['log', '-p', '--format=%H', 'main']).concat('\n'),
  );
  expect(storedObjects(target)).toEqual(storedObjects(source));
  fsck(target);
});

test.each(['plain.git', 'bitmapped.git'])('without trees: %s', async (name) => {
  const target = await clone(service, name, ['--filter=tree:0', '--no-checkout']);
  expect(typesOf(target)).toEqual({ commit: 10, tree: 0, blob: 0 });
  await gitIn(target, ['checkout', '--quiet', 'main']);
  expect(fs.readFileSync(path.join(target, 'd0/file'), 'utf8')).toBe('version 9\n'.repeat(50));
  fsck(target);
});
