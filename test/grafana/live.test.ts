/** What panels, rules and the runbook ask Prometheus, asked of one that scrapes a service under load. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALERTS, RECORDINGS } from '../../grafana/alerts/groups.ts';
import { INSTANCES } from '../../grafana/dashboard/build.ts';
import { panelsOf } from '../../grafana/dashboard/panel.ts';
import { DASHBOARDS } from '../../grafana/generated-files.ts';
import { temporaryDirectory } from '../support/directory.ts';
import type { RunningService } from '../support/service.ts';
import { Load } from './load.ts';
import { type Prometheus, startPrometheus } from './prometheus.ts';

const PANELS = DASHBOARDS.flatMap(panelsOf);
const RULES = path.resolve(import.meta.dirname, '../../deploy/prometheus/packhorse.rules.yml');

/** What is 0 while all is well, and why. Any other metric must have more to say under load. */
const ZERO = new Map([
  ['packhorse_draining', 'the service is not stopping'],
  ['packhorse_drain_seconds', 'nor here'],
  ['packhorse_admission_in_progress', 'a client that takes nothing may have given its place back'],
  ['packhorse_streams_stalled', 'or not'],
  ['packhorse_admission_backoff_events_total', 'the machine has enough of everything'],
  ['packhorse_timeouts_total', 'none was silent for a minute'],
  ['packhorse_request_memory_bytes', 'requests are short'],
  ['packhorse_pool_queued', 'a worker takes more than there are'],
  ['packhorse_cache_evict\\w+', 'the cache is hardly filled'],
  ['packhorse_shared_cache_\\w+', 'there is none'],
  ['packhorse_bundle_served_bytes_total', 'there are none'],
  ['packhorse_breaker_open', 'one lost worker is not many'],
  ['packhorse_index_ignored_total', 'no file is damaged'],
]);
const MAY_BE_ZERO = new RegExp(`\\b(${[...ZERO.keys()].join('|')})\\b`);

/** Of what the log can say, what this service has no reason for: see `runbook.test.ts`. */
const NOT_SAID = ['memory is near its limit', 'stopping|draining'];

let service: RunningService;
let prometheus: Prometheus;
let held: (() => Promise<void>) | undefined;

beforeAll(async () => {
  const load = new Load();
  service = await load.start();
  prometheus = await startPrometheus(new URL(service.metricsUrl).host, RULES);
  // Rates need a series twice, and some begin with their first event.
  await prometheus.scraped();
  for (let round = 0; round < 2; round++) {
    await load.round(service);
    await prometheus.scraped();
  }
  // Panels of what is going on are looked at while something is.
  const { release } = await load.hold(service);
  await prometheus.scraped();
  held = release;
});
afterAll(() => held?.());

/** As Grafana fills in its variables, for all instances. */
async function asGrafanaAsks(expr: string): Promise<string> {
  const instances = await prometheus.labelValues('instance', 'packhorse_build_info');
  return expr.replaceAll('$instance', instances.join('|')).replaceAll('$__rate_interval', '5m');
}

/** Asks, and expects data: numbers, at least one of them above 0 where not all may be. */
async function expectData(expr: string, mayBeZero = MAY_BE_ZERO.test(expr)): Promise<void> {
  const values = (await prometheus.query(expr)).map(({ value }) => value);
  const numbers = values.filter((value) => !Number.isNaN(value));
  expect(numbers.length, `${expr} has no data`).toBeGreaterThan(0);
  if (!mayBeZero) expect(Math.max(...numbers), `${expr} is 0`).toBeGreaterThan(0);
}

describe('every query has data', () => {
  test.each(PANELS.map((panel) => [panel.title, panel] as const))('of panel %s', async (_, panel) => {
    for (const { expr } of panel.queries) await expectData(await asGrafanaAsks(expr));
  });

  test.each(RECORDINGS.map((recording) => [recording.record, recording] as const))(
    'of %s',
    async (record, { expr }) => {
      await expectData(expr);
      await expectData(record, MAY_BE_ZERO.test(expr));
    },
  );

  test('of what the runbook asks', async () => {
    const queries = ALERTS.flatMap(({ runbook }) => runbook.look).flatMap(({ query }) => query ?? []);
    for (const query of queries) await expectData(query, true);
  });
});

test('what the runbook looks for in the log is found there', () => {
  const directory = temporaryDirectory();
  fs.writeFileSync(
    path.join(directory, 'packhorse.log'),
    service.log.map((line) => `${JSON.stringify(line)}\n`).join(''),
  );
  const commands = ALERTS.flatMap(({ runbook }) => runbook.look).flatMap(({ command }) => command ?? []);
  for (const command of commands) {
    const here = command.replace('http://127.0.0.1:9417', service.metricsUrl);
    const { status, stdout, stderr } = spawnSync('sh', ['-c', here], { cwd: directory, encoding: 'utf8' });
    expect([status, stderr], command).toEqual([0, '']);
    if (!NOT_SAID.some((text) => command.includes(text))) expect(stdout, command).not.toBe('');
  }
});

test('legends name labels that the series have', async () => {
  for (const { queries } of PANELS) {
    for (const { expr, legend } of queries) {
      const named = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label!);
      const [sample] = await prometheus.query(await asGrafanaAsks(expr));
      expect(Object.keys(sample.labels), `${legend} of ${expr}`).toEqual(expect.arrayContaining(named));
    }
  }
});

test('every rule is evaluated without an error', async () => {
  const rules = await prometheus.rules();
  expect(rules.map(({ name }) => name).sort()).toEqual(
    [...RECORDINGS.map(({ record }) => record), ...ALERTS.map(({ name }) => name)].sort(),
  );
  for (const { name, health, lastError } of rules)
    expect([name, health, lastError]).toEqual([name, 'ok', undefined]);
});

test('the instances that can be chosen are those that are scraped', async () => {
  const [, metric, label] = /^label_values\((\w+), (\w+)\)$/.exec(INSTANCES)!;
  expect(await prometheus.labelValues(label, metric)).toEqual([new URL(service.metricsUrl).host]);
});
