/** The service makes a bitmap of its own after its first large walk; this waits for it. */
import { setTimeout as after } from 'node:timers/promises';
import type { Service } from '../service.ts';
import type { Ask } from './check.ts';

/** Milliseconds after which there will be none. */
const PATIENCE = 600_000;
/** What the service logs when the bitmap is there. */
const BUILT = 'bitmaps built';
const NOT_BUILT = 'bitmaps could not be built';

/** @throws Error when no bitmap is made */
export async function buildOwnBitmap(service: Service, clone: Ask): Promise<void> {
  const ended = service.logged(({ msg }) => msg === BUILT || msg === NOT_BUILT);
  const patience = new AbortController();
  const tooLate = after(PATIENCE, undefined, { signal: patience.signal });
  try {
    await clone(() => {});
    const line = await Promise.race([ended, tooLate]);
    if (line?.msg !== BUILT) throw new Error(line?.error.message ?? `no bitmaps within ${PATIENCE / 1000} s`);
  } finally {
    patience.abort();
    await Promise.allSettled([tooLate]);
    // It is rejected when the service stops.
    ended.catch(() => {});
  }
}
