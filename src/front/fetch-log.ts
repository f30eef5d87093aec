/** One log line a request. */
import type { Logger } from 'pino';
import { type FetchRecord, fetchEnded } from './events.ts';

/** Begins to log; the function returned ends it. */
export function logFetches(logger: Logger): () => void {
  const log = (published: unknown) => {
    const { error, started: _, statistics, ...record } = published as FetchRecord;
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
