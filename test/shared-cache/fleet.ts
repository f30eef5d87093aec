/** Services that share a store, each with a copy of the repository and a cache directory of its own. */
import fs from 'node:fs';
import path from 'node:path';
import { temporaryDirectory } from '../support/directory.ts';
import { createLarge } from '../support/large.ts';
import { STORE_CREDENTIALS } from '../support/object-store.ts';
import { hasPack, metricBecomes, settled } from '../support/request-log.ts';
import { type RunningService, startService } from '../support/service.ts';

export const NAME = 'group/large.git';

/** One repository, and its copies on other machines. */
export class Replicas {
  readonly source: string;
  readonly #root = temporaryDirectory();

  constructor() {
    fs.mkdirSync(path.join(this.#root, 'group'));
    this.source = createLarge(this.#root, NAME);
  }

  /** A directory with a copy. */
  root(): string {
    const root = temporaryDirectory();
    fs.cpSync(this.#root, root, { recursive: true });
    return root;
  }

  /** A service that serves a copy, and keeps every pack. */
  start(flags: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<RunningService> {
    return startService(this.root(), ['--cache-min-uses', '1', '--workers', '1', ...flags], {
      ...STORE_CREDENTIALS,
      ...environment,
    });
  }
}

export function requests(result: string): string {
  return `packhorse_shared_cache_requests_total{result="${result}"}`;
}

export function writes(result: string): string {
  return `packhorse_shared_cache_writes_total{result="${result}"}`;
}

/** Waits until so many packs made by a service are in the store. */
export function uploaded(service: RunningService, count = 1): Promise<void> {
  return metricBecomes(service, writes('written'), (written) => written === count);
}

/** How the service got each pack so far. */
export async function resultsOf(service: RunningService): Promise<(string | undefined)[]> {
  await settled(service);
  return service.log.filter(hasPack).map(({ statistics }) => statistics.cache);
}
