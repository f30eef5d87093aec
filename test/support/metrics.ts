/** Metrics as a scrape gives them. */
import type { RunningService } from './service.ts';

/** Values by series, as in `packhorse_draining` or `packhorse_pack_bytes_total{source="delta"}`. */
export async function samples(service: RunningService): Promise<Map<string, number>> {
  const lines = (await scrape(service)).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

/** The text of a scrape. */
export async function scrape(service: RunningService): Promise<string> {
  return (await fetch(`${service.metricsUrl}/metrics`)).text();
}
