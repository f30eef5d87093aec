/** Clients on slow lines hold no thread and little memory, and no one else back. */
import { expect, test } from 'vitest';
import { FORM, megabytes, report, SCENARIO_TIMEOUT } from './form.ts';
import { type SlowClientsOptions, serveSlowClients } from './slow-clients.ts';

const OPTIONS: Readonly<Record<typeof FORM, SlowClientsOptions>> = {
  short: { clients: 20, bytesPerSecond: 50_000, bytes: 24e6, fastClones: 1, seconds: 1 },
  long: { clients: 200, bytesPerSecond: 50_000, bytes: 300e6, fastClones: 3, seconds: 60 },
};

/** Bytes; in the short form coarse, as other tests share the machine. */
const MOST_MEMORY: Readonly<Record<typeof FORM, number>> = { short: 350e6, long: 500e6 };
/** How much longer a fast clone may take beside the slow ones, in the long form. */
const MOST_DELAY = 1.5;
/** Of one processor, that the service may take to feed 200 clients with 10 MB/s, in the long form. */
const MOST_BUSY = 0.25;

test('many slow clones of a large repository, and a fast one', { timeout: SCENARIO_TIMEOUT }, async () => {
  const { clients, bytesPerSecond } = OPTIONS[FORM];
  const found = await serveSlowClients(OPTIONS[FORM]);
  report('slow clients', {
    clients,
    'bytes a second of each': bytesPerSecond,
    'MB they got': megabytes(found.received),
    'idle RSS, MB': megabytes(found.idle),
    'most RSS, MB': megabytes(found.peak),
    'processors busy with them': found.busy.toFixed(3),
    'seconds of a fast clone alone': found.fastAlone.toFixed(2),
    'seconds of a fast clone beside them': found.fastBeside.toFixed(2),
  });
  expect(found.inFlight).toBe(clients);
  expect(found.peak).toBeLessThan(MOST_MEMORY[FORM]);
  if (FORM === 'long') {
    expect(found.fastBeside / found.fastAlone).toBeLessThan(MOST_DELAY);
    expect(found.busy).toBeLessThan(MOST_BUSY);
  }
});
