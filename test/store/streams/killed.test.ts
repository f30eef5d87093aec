/** Whenever a process is killed that writes streams, the next one finds what was kept, and nothing that was not. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../support/directory.ts';
import { generatedContent, headOf, NAMES } from './generated-streams.ts';
import { bytesOnDisk, filesOf, keep, openStore, readAll } from './streams.ts';

const PROGRAM = path.join(import.meta.dirname, 'write-and-die.ts');
/** For each stream: its head, three blocks, the end, and the name. */
const CALLS = 6 * NAMES.length;

/** Runs the process to its end; returns what it said that it has kept. */
function writeAndDie(directory: string, calls: number, when: string): string[] {
  const args = [PROGRAM, directory, `${calls}`, when];
  const { signal, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(signal).toBe(calls < CALLS ? 'SIGKILL' : null);
  return stdout.trim().split('\n').filter(Boolean);
}

test.each(['before', 'begun', 'after'])('killed %s any call', async (when) => {
  for (let calls = 0; calls <= CALLS; calls++) {
    const directory = temporaryDirectory();
    const said = writeAndDie(directory, calls, when);
    const { store } = await openStore(directory);
    const found: string[] = [];
    for (const name of NAMES) {
      const reader = await store.find(headOf(name).key);
      if (!reader) continue;
      found.push(name);
      expect(await reader.tail).toEqual({ name });
      expect((await readAll(reader)).equals(generatedContent(name))).toBe(true);
    }
    expect(found.slice(0, said.length)).toEqual(said);
    // The one that it was about may have got its name.
    expect(found.length - said.length).toBeLessThanOrEqual(1);
    expect(found).toEqual(NAMES.slice(0, found.length));
    // All that was not finished is gone, and can be kept now.
    expect(store.bytes).toBe(bytesOnDisk(directory));
    for (const name of NAMES) await keep(store, headOf(name), generatedContent(name));
    await store.close();
    expect(filesOf(directory)).toHaveLength(NAMES.length);
  }
});
