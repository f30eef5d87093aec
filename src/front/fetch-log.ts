/** One log line a request. */
import type { Logger } from 'pino';
import { type FetchRecord, fetchEnded } from './events.ts';

/** Files that were warned of, the last ones: a warning for each, not for each fetch. */
const MOST_WARNED = 10_000;

/** Begins to log; the function returned ends it. */
export function logFetches(logger: Logger): () => void {
  const warned = new Set<string>();
  const log = (published: unknown) => {
    const { error, started: _, statistics, ...record } = published as FetchRecord;
    for (const file of statistics?.ignored ?? []) {
      if (warned.has(file)) continue;
      if (warned.size === MOST_WARNED) warned.clear();
      warned.add(file);
      logger.warn(
        { repository: record.repository, file },
        'an index file is damaged or stale and is ignored',
      );
    }
    const line = {
      ...record,
      statistics,
      error: error && { code: error.code, message: error.message, stack: stackOf(error) },
    };
    if (record.outcome === 'error') logger.error(line, 'fetch failed');
    else logger.info(line, 'fetch');
  };
  fetchEnded.subscribe(log);
  return () => void fetchEnded.unsubscribe(log);
}

/** A stack helps only where the defect is ours. */
function stackOf(error: { code: string; stack?: string | undefined }): string | undefined {
  return error.code === 'PACKHORSE_INTERNAL' ? error.stack : undefined;
}
