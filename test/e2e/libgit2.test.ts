/** libgit2 as a client (es-git). It speaks protocol version 0 only. */
import path from 'node:path';
import { cloneRepository } from 'es-git';
import { beforeAll, expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { fsck, reachableObjects } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { type RunningService, startService } from '../support/service.ts';

const root = temporaryDirectory();
let service: RunningService;

beforeAll(async () => {
  service = await startService(root);
});

test('clones', async () => {
  const source = createRepository(root, 'one.git');
  const history = new History();
  const first = history.commit({ branch: 'main', files: { a: 'a\n' } });
  history.tag('v1', first);
  history.commit({ branch: 'main', files: { a: 'b\n' } });
  history.importInto(source);
  const target = path.join(temporaryDirectory(), 'clone');
  await cloneRepository(`${service.url}/one.git`, target);
  fsck(target);
  expect(reachableObjects(target)).toEqual(reachableObjects(source));
});
