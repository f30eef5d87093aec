/**
 * A coarse guard on memory. The bench `memory` measures closely; this fails when a clone's cost begins to follow the
 * size of the pack.
 */
import { expect, test } from 'vitest';
import { measureGrowth } from '../../bench/memory-growth.ts';
import { ensureRepository } from '../../bench/repositories.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { startService } from '../support/service.ts';

/** Bytes. The pack is 161 MB: a service that held it, or fell far behind in collecting it, would pass this. */
const MOST_GROWTH = 96e6;

// What is measured stands in /proc.
test.runIf(process.platform === 'linux')('a clone of 161 MB costs at most 96 MB', async () => {
  const root = temporaryDirectory();
  const warmUp = await ensureRepository(root, 'tiny');
  const repository = await ensureRepository(root, 'many-blobs');
  const service = await startService(root, ['--workers', '2']);
  const { clone, growth } = await measureGrowth({
    pid: service.process.pid!,
    url: service.url,
    warmUp,
    repository,
  });
  expect(clone).toMatchObject({ complete: true, objects: 1445 });
  expect(clone.packBytes).toBeGreaterThan(160e6);
  expect(growth).toBeLessThan(MOST_GROWTH);
});
