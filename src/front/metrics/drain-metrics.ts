/** Metrics of the end: how long it has taken, and how long it may. */
import type { Registry } from 'prom-client';
import { addReadGauge } from './read-gauge.ts';

export interface Stopping {
  /** Seconds that it may take: until readiness is heard of, and for fetches in flight. */
  readonly limit: number;
  /** Seconds since it began; undefined: it has not. */
  readonly seconds: () => number | undefined;
}

export function addDrainMetrics(registry: Registry, { limit, seconds }: Stopping): void {
  const gauge = (name: string, help: string, value: () => number) =>
    addReadGauge(registry, name, help, value);
  gauge('packhorse_draining', '1 while the service finishes what it has and takes nothing new.', () =>
    seconds() === undefined ? 0 : 1,
  );
  gauge(
    'packhorse_drain_seconds',
    'Time since the service was told to stop; 0: it was not.',
    () => seconds() ?? 0,
  );
  gauge(
    'packhorse_drain_limit_seconds',
    'Time after which what is left is cut off: --drain-delay and --drain-timeout.',
    () => limit,
  );
}
