/** What the service logged about the requests of a client. */
import type { LogLine, RunningService } from './service.ts';

/** Whether a log line is about a request whose answer had a pack. */
export function hasPack(line: LogLine): boolean {
  return line.command === 'fetch' && line.statistics && line.statistics.kind !== 'none';
}

/**
 * Runs a client to its end and returns the lines logged about its requests, in order.
 * @param last tells the line of the client's last request, for which this waits
 */
export async function requestsDuring(
  service: RunningService,
  run: () => Promise<unknown>,
  last: (line: LogLine) => boolean = hasPack,
): Promise<LogLine[]> {
  await settled(service);
  const before = service.log.length;
  await run();
  await service.logged((line) => service.log.indexOf(line) >= before && last(line));
  return service.log.slice(before).filter((line) => line.repository !== undefined);
}

/** Waits until every request so far has its line: a client may end before its request is logged. */
export async function settled(service: RunningService): Promise<void> {
  await metricBecomes(service, 'packhorse_fetches_in_progress', (value) => value === 0);
  const text = await (await fetch(`${service.metricsUrl}/metrics`)).text();
  const counts = text.matchAll(/^packhorse_fetch_requests_total\{.*\} (\d+)$/gm);
  const ended = [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
  const isRequest = (line: LogLine) => line.repository !== undefined && line.outcome !== undefined;
  await service.logged(() => service.log.filter(isRequest).length >= ended);
}

/** The value of a metric without labels, or with exactly those written. */
export async function metric(service: RunningService, name: string): Promise<number> {
  const text = await (await fetch(`${service.metricsUrl}/metrics`)).text();
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
  if (line === undefined) throw new Error(`no metric ${name}`);
  return Number(line.slice(name.length + 1));
}

/** Scrapes until a metric is what it should become; each scrape waits for the service, so this does not spin. */
export async function metricBecomes(
  service: RunningService,
  name: string,
  isReached: (value: number) => boolean,
): Promise<void> {
  while (!isReached(await metric(service, name)));
}
