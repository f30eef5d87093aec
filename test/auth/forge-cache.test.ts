/** What the forge has said holds for a short while, and is asked for once by all who wait for it. */
import { expect, test } from 'vitest';
import { AnswerCache } from '../../src/front/auth/forward/answer-cache.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { createRepository } from '../support/history.ts';
import { send } from '../support/raw-client.ts';
import { startService } from '../support/service.ts';
import { startForge } from './forge.ts';
import { bearer } from './tokens.ts';

const PATH = '/one.git/info/refs?service=git-upload-pack';

test('a storm of clients asks the forge once, and each caller and repository is asked for', async () => {
  const root = temporaryDirectory();
  createRepository(root, 'one.git');
  let open = () => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const forge = await startForge(async (_, authorization) => {
    await gate;
    return { status: authorization === 'Bearer good' ? 200 : 401 };
  });
  const service = await startService(root, [
    '--workers',
    '1',
    '--auth',
    'forward',
    '--authorize-url',
    forge.url,
  ]);
  const ask = async (token: string, path = PATH) =>
    (await send(service, { path, headers: bearer(token) })).status;
  const storm = Array.from({ length: 50 }, () => ask('good'));
  const others = [ask('bad'), ask('good', PATH.replace('one', 'two'))];
  open();
  expect(new Set(await Promise.all(storm))).toEqual(new Set([200]));
  expect(await Promise.all(others)).toEqual([401, 404]);
  expect(await ask('good')).toBe(200);
  expect(forge.questions).toHaveLength(3);
});

test('an answer holds for its lifetime, from when it was asked for', async () => {
  let now = 0;
  let asked = 0;
  const cache = new AnswerCache<number>(
    (answer) => answer * 10,
    () => now,
  );
  const ask = () => cache.get('key', async () => ++asked);
  expect(await ask()).toBe(1);
  now = 9;
  expect(await ask()).toBe(1);
  now = 10;
  expect(await ask()).toBe(2);
  now = 29;
  expect(await ask()).toBe(2);
  now = 30;
  expect(await ask()).toBe(3);
});

test('a failure is told to all who wait for it, and is not kept', async () => {
  const cache = new AnswerCache<string>(() => 1000);
  const fail = () => Promise.reject(new Error('down'));
  const waiting = [cache.get('key', fail), cache.get('key', async () => 'not asked')];
  expect(await Promise.allSettled(waiting)).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }]);
  expect(await cache.get('key', async () => 'up')).toBe('up');
});

test('so many are kept, the oldest goes first', async () => {
  const cache = new AnswerCache<string>(
    () => 1000,
    () => 0,
    2,
  );
  const get = (key: string, answer: string) => cache.get(key, async () => answer);
  for (const key of ['a', 'b', 'c']) await get(key, 'old');
  expect(await get('b', 'new')).toBe('old');
  expect(await get('c', 'new')).toBe('old');
  expect(await get('a', 'new')).toBe('new');
});
