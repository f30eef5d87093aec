/** What the fuzz loop once found stays mended. */
import { afterAll, describe, expect, it } from 'vitest';
import { removeScratch } from './scratch.ts';
import { crashedTargets, readCrashes } from './storage.ts';
import { findTarget } from './targets.ts';
import { tryInput } from './try-input.ts';

afterAll(removeScratch);

describe.each(crashedTargets())('what %s failed on', (name) => {
  const target = findTarget(name)!;

  it.each(readCrashes(name))('$name', async ({ input }) => {
    expect(await tryInput(target, input)).toBeUndefined();
  });
});
