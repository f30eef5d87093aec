/** The log of what is published: one line a request, and one for each worker that is lost. */
import type { Logger } from 'pino';
import { type FetchRecord, fetchEnded, type WorkerLoss, workerLost } from './events.ts';
import { clientText } from './plain-text.ts';

/** Files that were warned of, the last ones: a warning for each, not for each fetch. */
const MOST_WARNED = 10_000;
/** Repositories that a line about a lost worker names. */
const MOST_LOGGED = 20;

/** Begins to log; the function returned ends it. */
export function logEvents(logger: Logger): () => void {
  const warned = new Set<string>();
  const warnOf = (repository: string, file: string) => {
    if (warned.has(file)) return;
    if (warned.size === MOST_WARNED) warned.clear();
    warned.add(file);
    logger.warn({ repository, file }, 'an index file is damaged or stale and is ignored');
  };
  const logFetch = (published: unknown) => {
    const record = published as FetchRecord;
    for (const file of record.statistics?.ignored ?? []) warnOf(record.repository, file);
    if (record.outcome === 'error') logger.error(lineOf(record), 'fetch failed');
    else logger.info(lineOf(record), 'fetch');
  };
  const logLoss = (published: unknown) => {
    const { reason, error, repositories } = published as WorkerLoss;
    const line = { reason, err: error, repositories: repositories.slice(0, MOST_LOGGED) };
    logger.error(line, 'a worker was lost and is replaced');
  };
  fetchEnded.subscribe(logFetch);
  workerLost.subscribe(logLoss);
  return () => {
    fetchEnded.unsubscribe(logFetch);
    workerLost.unsubscribe(logLoss);
  };
}

/** Without what only traces are made of. */
function lineOf({ error, started: _, statistics, ...record }: FetchRecord): object {
  return {
    ...record,
    repository: clientText(record.repository),
    statistics: statistics && { ...statistics, spans: undefined },
    error: error && { code: error.code, message: error.message, stack: stackOf(error) },
  };
}

/** A stack helps only where the defect is ours. */
function stackOf(error: { code: string; stack?: string | undefined }): string | undefined {
  return error.code === 'PACKHORSE_INTERNAL' ? error.stack : undefined;
}
