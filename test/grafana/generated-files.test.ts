/** What is committed is what would be made now. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { generatedFiles } from '../../grafana/generated-files.ts';

const top = path.resolve(import.meta.dirname, '../..');

test.each([...generatedFiles()])('%s is as npm run dashboards makes it', (name, text) => {
  expect(fs.readFileSync(path.join(top, name), 'utf8')).toBe(text);
});

test('nothing else lies where dashboards are looked for', () => {
  const made = [...generatedFiles().keys()].filter((name) => name.startsWith('grafana/dashboards/'));
  const found = fs
    .readdirSync(path.join(top, 'grafana/dashboards'))
    .map((name) => `grafana/dashboards/${name}`);
  expect(found.sort()).toEqual(made.sort());
});

describe('promtool accepts', () => {
  test.each([
    ['check', 'rules', '--lint-fatal', 'deploy/prometheus/packhorse.rules.yml'],
    ['check', 'config', '--lint-fatal', 'deploy/prometheus/prometheus.yml'],
  ])('%s %s', (...args) => {
    const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: top, encoding: 'utf8' });
    expect(status, stdout + stderr).toBe(0);
  });
});
