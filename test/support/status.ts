/** What the status page is given. */
import type { Status } from '../../src/front/status/status.ts';
import type { RunningService } from './service.ts';

export async function readStatus(service: RunningService): Promise<Status> {
  return (await fetch(`${service.metricsUrl}/status.json`)).json() as Promise<Status>;
}

/** Asks until it is what it should become; each time waits for the service, so this does not spin. */
export async function statusBecomes(
  service: RunningService,
  matches: (status: Status) => boolean,
): Promise<Status> {
  for (;;) {
    const status = await readStatus(service);
    if (matches(status)) return status;
  }
}
