/** The service makes a bitmap of its own after its first large walk; this waits for it. */
import { setTimeout as after } from 'node:timers/promises';
import { onlyKnown, type Service } from '../service.ts';
import type { Ask } from './check.ts';

/** Milliseconds after which there will be none. */
const PATIENCE = 600_000;
/** What the service logs when the bitmap is there. */
const BUILT = 'own bitmap built';

/** @throws Error when no bitmap is made */
export async function buildOwnBitmap(service: Service, clone: Ask): Promise<void> {
  if (onlyKnown(['--own-bitmaps', 'on']).length === 0) throw new Error('the service makes no bitmaps yet');
  const patience = new AbortController();
  const built = service.logged(({ msg }) => msg === BUILT);
  const tooLate = after(PATIENCE, undefined, { signal: patience.signal }).then(() => {
    throw new Error(`no bitmap was built within ${PATIENCE / 1000} s`);
  });
  try {
    await clone(() => {});
    await Promise.race([built, tooLate]);
  } finally {
    patience.abort();
    tooLate.catch(() => {});
  }
}
