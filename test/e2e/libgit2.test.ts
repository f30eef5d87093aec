/** libgit2 as a client (es-git). It speaks protocol version 0 only, which Packhorse does not. */
import path from 'node:path';
import { cloneRepository } from 'es-git';
import { beforeAll, expect, test } from 'vitest';
import { clone, expectSameRepository } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { createRepository, History } from '../support/history.ts';
import { type RunningService, startService } from '../support/service.ts';

const root = temporaryDirectory();
let service: RunningService;

beforeAll(async () => {
  service = await startService(root);
});

test('a client that asks for no version is told which one is spoken', async () => {
  const source = createRepository(root, 'one.git');
  const history = new History();
  history.commit({ branch: 'main', files: { a: 'a\n' } });
  history.importInto(source);
  const target = path.join(temporaryDirectory(), 'clone');
  await expect(cloneRepository(`${service.url}/one.git`, target)).rejects.toThrow(
    'this server speaks git protocol version 2 only',
  );
  const line = await service.logged(({ command }) => command === 'advertise');
  expect(line).toMatchObject({ outcome: 'rejected', error: { code: 'PACKHORSE_PROTOCOL' } });
  expect(line.agent).toContain('libgit2');
  expectSameRepository(source, await clone(service, 'one.git'));
});
