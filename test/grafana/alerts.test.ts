/** Every alert fires when it should and is quiet when it should not, as Prometheus's own tool judges. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { ALERTS } from '../../grafana/alerts/groups.ts';
import { annotationsOf } from '../../grafana/alerts/rule-file.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { ALERT_CASES, type AlertCase } from './alert-cases.ts';

const RULES = path.resolve(import.meta.dirname, '../../deploy/prometheus/packhorse.rules.yml');
const directory = temporaryDirectory();

/** What `promtool test rules` says to it: nothing but SUCCESS where the expectation holds. */
function promtool(alert: (typeof ALERTS)[number], { series, at, interval, fires }: AlertCase) {
  const expected = fires && {
    exp_labels: { severity: alert.severity, ...fires.labels },
    exp_annotations: { ...annotationsOf(alert), summary: fires.summary },
  };
  const file = path.join(directory, 'test.json');
  fs.writeFileSync(
    file,
    JSON.stringify({
      rule_files: [RULES],
      evaluation_interval: interval ?? '1m',
      tests: [
        {
          interval: interval ?? '1m',
          input_series: Object.entries(series).map(([series, values]) => ({ series, values })),
          alert_rule_test: [{ eval_time: at, alertname: alert.name, exp_alerts: expected ? [expected] : [] }],
        },
      ],
    }),
  );
  const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' });
  return { status, said: stdout + stderr };
}

describe.each(ALERTS.map((alert) => [alert.name, alert] as const))('%s', (name, alert) => {
  const cases = ALERT_CASES[name];

  test.each(cases.filter(({ fires }) => fires))('fires: $says', (each) => {
    expect(promtool(alert, each)).toMatchObject({ status: 0, said: expect.stringContaining('SUCCESS') });
  });

  test.each(cases.filter(({ fires }) => !fires))('is quiet: $says', (each) => {
    expect(promtool(alert, each)).toMatchObject({ status: 0, said: expect.stringContaining('SUCCESS') });
  });

  test('is tried both ways', () => {
    expect(new Set(cases.map(({ fires }) => fires !== undefined))).toEqual(new Set([true, false]));
  });
});
