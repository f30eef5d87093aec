/** What a clone holds while its client takes nothing. The bench `stalled` measures it for the service as a whole. */
import v8 from 'node:v8';
import vm from 'node:vm';
import { expect, test } from 'vitest';
import { UploadPackV2 } from '../../src/index.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { createRepository } from '../support/history.ts';
import { encodeRequest } from '../support/requests.ts';

const OBJECTS = 20_000;
const CLONES = 20;
/** Bytes. The frame that the client does not take is 65,520 of them; four for each object would be 80,000 more. */
const MOST = 90_000;

v8.setFlagsFromString('--expose-gc');
const collectGarbage = vm.runInNewContext('gc') as () => void;

function heldBytes(): number {
  // What one of them finds is freed beside it; the next one waits for that.
  for (let i = 0; i < 3; i++) collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

test('a clone that waits for its client holds nothing that grows with the number of objects', async () => {
  const repository = createRepository(temporaryDirectory(), 'many.git');
  const files = Array.from({ length: OBJECTS }, (_, i) => `M 100644 inline ${i}\ndata <<.\n${i}\n.\n`);
  const commit = `commit refs/heads/main\ncommitter A <a@example.org> 0 +0000\ndata 0\n${files.join('')}`;
  git(repository, ['fast-import', '--quiet'], { input: commit });
  const want = `want ${git(repository, ['rev-parse', 'main'])}`;
  const request = encodeRequest('fetch', [want, 'ofs-delta', 'no-progress', 'done']);

  const server = new UploadPackV2(repository);
  let goOn = () => {};
  const waiting = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const answers: Promise<unknown>[] = [];
  /** Begins a clone, and resolves when its client has taken 100,000 bytes and takes no more. */
  const begin = () =>
    new Promise<void>((begun) => {
      let bytes = 0;
      const take = (frame: Uint8Array) => {
        bytes += frame.length;
        if (bytes < 100_000) return;
        begun();
        return waiting;
      };
      answers.push(server.feed(request, take));
    });

  // The first one loads indexes and fills caches.
  await begin();
  const before = heldBytes();
  for (let i = 0; i < CLONES; i++) await begin();
  expect((heldBytes() - before) / CLONES).toBeLessThan(MOST);
  goOn();
  await Promise.all(answers);
  server.close();
});
