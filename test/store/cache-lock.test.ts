/** One process has a cache directory; another is told which. The lock ends with its process, however that ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CacheLock } from '../../src/store/cache-lock.ts';
import { temporaryDirectory } from '../support/directory.ts';

const MODULE = path.resolve(import.meta.dirname, '../../src/store/cache-lock.ts');

let directory: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  directory = path.join(temporaryDirectory(), 'cache');
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** Another process that has taken it, and goes on. */
async function startHolder(): Promise<ChildProcess> {
  const program = `
    const { CacheLock } = await import(${JSON.stringify(MODULE)});
    const lock = await CacheLock.take(${JSON.stringify(directory)});
    setInterval(() => lock, 1000);
    console.log('taken');`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  await once(child.stdout!, 'data');
  return child;
}

async function kill(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  child.kill(signal);
  await once(child, 'exit');
}

test('is held by one process at a time, which another is told', async () => {
  const holder = await startHolder();
  await expect(CacheLock.take(directory)).rejects.toMatchObject({
    code: 'PACKHORSE_CACHE_HELD',
    message: `the cache directory ${directory} is in use by process ${holder.pid}; stop that, or give each process a directory of its own (--cache-dir)`,
  });
});

test.each(['SIGKILL', 'SIGTERM'] as const)('ends with its process, by %s', async (signal) => {
  await kill(await startHolder(), signal);
  expect(fs.existsSync(path.join(directory, 'lock.sock'))).toBe(true);
  const lock = await CacheLock.take(directory);
  await expect(CacheLock.take(directory)).rejects.toThrow(`process ${process.pid};`);
  await lock.release();
});

test('that is let go can be taken, and leaves no file', async () => {
  for (let i = 0; i < 3; i++) await (await CacheLock.take(directory)).release();
  expect(fs.readdirSync(directory)).toEqual([]);
});

test('is one process’s of many that want it at once, also where a dead one had it', async () => {
  await kill(await startHolder(), 'SIGKILL');
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => CacheLock.take(directory)));
  const taken = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  const inPlace = await Promise.all(taken.map((lock) => lock.isInPlace()));
  expect(inPlace.filter(Boolean)).toHaveLength(1);
  for (const lock of taken) await lock.release();
});

test('of a process that does not go on is held', async () => {
  const holder = await startHolder();
  holder.kill('SIGSTOP');
  await expect(CacheLock.take(directory)).rejects.toThrow('in use by a process that does not answer');
});

test('may lie deeper than the path of a socket can be long', async () => {
  directory = path.join(directory, 'deep'.repeat(40), 'er'.repeat(50));
  const holder = await startHolder();
  await expect(CacheLock.take(directory)).rejects.toThrow(`process ${holder.pid};`);
  await kill(holder, 'SIGKILL');
  await (await CacheLock.take(directory)).release();
});

describe('a directory that is deleted', () => {
  test('is another’s who makes it again, which the first finds', async () => {
    const first = await CacheLock.take(directory);
    expect(await first.isInPlace()).toBe(true);
    fs.rmSync(directory, { recursive: true });
    expect(await first.isInPlace()).toBe(false);
    const second = await CacheLock.take(directory);
    expect([await first.isInPlace(), await second.isInPlace()]).toEqual([false, true]);
    // Nor does it take the other's away when it ends.
    await first.release();
    expect(await second.isInPlace()).toBe(true);
    await second.release();
  });
});

describe('what else may lie there', () => {
  test('is no lock: a file', async () => {
    fs.mkdirSync(directory);
    fs.writeFileSync(path.join(directory, 'lock.sock'), '');
    await (await CacheLock.take(directory)).release();
  });

  test('is one: what listens and says nothing', async () => {
    fs.mkdirSync(directory);
    const server = net.createServer((socket) => socket.end()).listen(path.join(directory, 'lock.sock'));
    await once(server, 'listening');
    await expect(CacheLock.take(directory)).rejects.toThrow('a process that does not answer');
    server.close();
  });
});

describe('a directory that cannot be used', () => {
  test('is a file', async () => {
    fs.writeFileSync(directory, '');
    await expect(CacheLock.take(directory)).rejects.toMatchObject({
      code: 'PACKHORSE_IO',
      message: expect.stringContaining(`the cache directory ${directory} cannot be used: EEXIST`),
    });
  });

  test('does not take files', async () => {
    // Nobody can make any there, not even the superuser.
    await expect(CacheLock.take('/proc/self')).rejects.toMatchObject({ code: 'PACKHORSE_IO' });
    await expect(CacheLock.take('/sys/cache')).rejects.toMatchObject({ code: 'PACKHORSE_IO' });
  });
});
