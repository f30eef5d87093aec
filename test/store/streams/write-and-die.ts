/**
 * A process that keeps streams until it is killed, by itself: `node write-and-die.ts DIR N WHEN`, at the N-th call of
 * the file system that writes or renames: `before` it, when it is just `begun`, or `after` it. Says what it has kept, a
 * name on a line.
 */
import fs from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { StreamPolicy } from '../../../src/store/streams/stream-policy.ts';
import { StreamStore } from '../../../src/store/streams/stream-store.ts';
import { generatedContent, headOf, NAMES } from './generated-streams.ts';

const [directory, last, when] = process.argv.slice(2);
let calls = 0;

function die(): void {
  process.kill(process.pid, 'SIGKILL');
}

/** What is called last is killed in; no other turn of the event loop comes. */
async function count<T>(call: () => Promise<T>): Promise<T> {
  const isLast = calls++ === Number(last);
  if (isLast && when === 'before') die();
  const done = call();
  if (isLast && when === 'begun') die();
  const result = await done;
  if (isLast) die();
  return result;
}

const { open, rename } = fs.promises;
Object.assign(fs.promises, {
  rename: (from: string, to: string) => count(() => rename(from, to)),
  async open(...args: Parameters<typeof open>) {
    const handle = await open(...args);
    const write = handle.write as (...rest: unknown[]) => Promise<unknown>;
    return Object.assign(handle, {
      write: (...rest: unknown[]) => count(() => write.apply(handle, rest)),
    }) as FileHandle;
  },
});

const budget = 2 ** 30;
const policy = new StreamPolicy({ budget, minUses: 1, now: Date.now });
const store = await StreamStore.open(directory, { budget, policy });
for (const name of NAMES) {
  const writer = (await store.create(headOf(name)))!;
  const content = generatedContent(name);
  for (let at = 0; at < content.length; at += 100_000) await writer.write(content.subarray(at, at + 100_000));
  await writer.finish({ name });
  fs.writeSync(1, `${name}\n`);
}
await store.close();
