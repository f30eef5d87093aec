/** What KEDA asks Prometheus for: for how many replicas there is load. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { temporaryDirectory } from '../support/directory.ts';
import { startService } from '../support/service.ts';
import { kustomize, type Manifest } from './kustomize.ts';

interface ScaledObject extends Manifest {
  readonly spec: {
    readonly triggers: readonly {
      readonly metadata: {
        readonly query: string;
        readonly threshold: string;
        readonly ignoreNullValues: string;
      };
    }[];
  };
}

const OVERLAY = path.resolve(import.meta.dirname, '../../deploy/kubernetes/overlays/keda');
const scaler = kustomize(OVERLAY).find(({ kind }) => kind === 'ScaledObject') as ScaledObject;
const { query, threshold, ignoreNullValues } = scaler.spec.triggers[0]!.metadata;

/** Of each replica, lane and family the value. */
type Fleet = readonly Readonly<Record<string, Readonly<Record<string, number>>>>[];

/** The labels that the ServiceMonitor gives, by which the query knows its fleet. */
const labels = { job: 'packhorse', namespace: scaler.metadata.namespace! };

function seriesOf(fleet: Fleet, { job, namespace } = labels) {
  return fleet.flatMap((lanes, replica) =>
    Object.entries(lanes).flatMap(([lane, families]) =>
      Object.entries(families).map(([family, value]) => ({
        series: `packhorse_admission_${family}{lane="${lane}",instance="${replica}",job="${job}",namespace="${namespace}"}`,
        values: `${value} ${value}`,
      })),
    ),
  );
}

/** Whether the query comes to that for a fleet. */
function promtool(fleet: Fleet, expected: number, others: ReturnType<typeof seriesOf> = []): string {
  const series = [...seriesOf(fleet), ...others];
  const file = path.join(temporaryDirectory(), 'scaling.yml');
  const asked = { expr: query, eval_time: '1m', exp_samples: [{ labels: '{}', value: expected }] };
  fs.writeFileSync(
    file,
    stringify({ tests: [{ interval: '1m', input_series: series, promql_expr_test: [asked] }] }),
  );
  return execFileSync('promtool', ['test', 'rules', file], { encoding: 'utf8', stdio: 'pipe' });
}

test('it asks for what the service tells', async () => {
  const service = await startService(temporaryDirectory(), ['--workers', '1']);
  const metrics = await (await fetch(`${service.metricsUrl}/metrics`)).text();
  const families = new Set(query.match(/packhorse_\w+/g));
  expect(families.size).toBe(3);
  for (const family of families) {
    for (const lane of ['clone', 'fetch', 'light']) expect(metrics).toContain(`${family}{lane="${lane}"}`);
  }
});

const idle = { limit: 8, in_progress: 0, queued: 0 };
const listing = { limit: 32, in_progress: 32, queued: 100 };
const one = { clone: { limit: 4, in_progress: 4, queued: 3 }, fetch: idle, light: listing };
const two = {
  clone: { limit: 4, in_progress: 1, queued: 0 },
  fetch: { ...idle, in_progress: 2 },
  light: listing,
};

test('its answer is one number: of the lane that is nearer to its limit, over all replicas', () => {
  expect(promtool([one, two], 8 / 4)).toContain('SUCCESS');
  const busy = { ...one, fetch: { limit: 8, in_progress: 8, queued: 12 } };
  expect(promtool([busy, two], 22 / 8)).toContain('SUCCESS');
  // Limits adapt, each by itself.
  const lowered = { ...two, clone: { ...two.clone, limit: 2 } };
  expect(promtool([one, lowered], 8 / 3)).toContain('SUCCESS');
});

test('other installations that the same Prometheus knows are not counted', () => {
  const others = [
    { ...labels, namespace: 'other' },
    { ...labels, job: 'other' },
  ].flatMap((other) => seriesOf([one, one, one], other));
  expect(promtool([one, two], 8 / 4, others)).toContain('SUCCESS');
});

test('a fleet of which Prometheus knows nothing is not taken for an idle one', () => {
  expect(ignoreNullValues).toBe('false');
});

test('more replicas are wanted before anyone waits', () => {
  expect(Number(threshold)).toBeGreaterThan(0);
  expect(Number(threshold)).toBeLessThan(1);
});
