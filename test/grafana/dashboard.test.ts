import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { git, runGit } from '../support/git.ts';
import { startService } from '../support/service.ts';

interface Panel {
  readonly type: string;
  readonly title: string;
  readonly datasource?: { readonly uid: string };
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
  readonly options?: { readonly yAxis?: { readonly unit?: string } };
  readonly targets?: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[];
}

const file = path.resolve(import.meta.dirname, '../../grafana/dashboards/packhorse.json');
const dashboard = JSON.parse(fs.readFileSync(file, 'utf8')) as { readonly panels: readonly Panel[] };
const panels = dashboard.panels.filter((panel) => panel.type !== 'row');
const queries = panels.flatMap(({ title, targets }) => targets!.map(({ expr }) => ({ title, expr })));

/** Names and labels of what the service exposes, after one clone. */
let exposed: { readonly names: Set<string>; readonly labels: Map<string, Set<string>> };

beforeAll(async () => {
  const root = temporaryDirectory();
  const work = temporaryDirectory();
  git(root, ['init', '--quiet', '--bare', 'one.git']);
  git(work, ['init', '--quiet', '--initial-branch', 'main']);
  fs.writeFileSync(path.join(work, 'file'), 'content\n');
  git(work, ['add', 'file']);
  git(work, ['commit', '--quiet', '--message', 'one']);
  git(work, ['push', '--quiet', path.join(root, 'one.git'), 'main']);

  const service = await startService(root);
  const clone = await runGit(temporaryDirectory(), ['clone', '--quiet', `${service.url}/one.git`]);
  expect(clone).toMatchObject({ code: 0 });
  await service.logged((line) => line.msg === 'fetch' && line.command === 'fetch');
  exposed = parseExposition(await (await fetch(`${service.metricsUrl}/metrics`)).text());
});

test('every query asks for metrics and labels that the service exposes', () => {
  for (const { title, expr } of queries) {
    const where = `${title}: ${expr}`;
    const { metrics, grouping } = parseQuery(expr);
    expect(metrics.length, where).toBeGreaterThan(0);
    for (const { name, matchers } of metrics) {
      expect([...exposed.names], where).toContain(name);
      expect([...labelsOf(name), 'instance'], where).toEqual(expect.arrayContaining(matchers));
    }
    const labels = metrics.flatMap(({ name }) => [...labelsOf(name)]);
    expect([...labels, 'instance'], where).toEqual(expect.arrayContaining(grouping));
  }
});

test('every query is for the instances that were chosen', () => {
  for (const { title, expr } of queries) {
    for (const { matchers } of parseQuery(expr).metrics) {
      expect(matchers, `${title}: ${expr}`).toContain('instance');
    }
  }
});

// promtool comes with Prometheus; .ci/run installs it.
const promtool = spawnSync('promtool', ['--version']).status === 0;
test.skipIf(!promtool)('every query is PromQL', () => {
  const rules = queries.map(({ expr }, number) => ({
    record: `query:${number}`,
    expr: expr.replaceAll('$__rate_interval', '1m'),
  }));
  const rulesFile = path.join(temporaryDirectory(), 'rules.json');
  fs.writeFileSync(rulesFile, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'rules', rulesFile], {
    encoding: 'utf8',
  });
  expect(status, stdout + stderr).toBe(0);
});

test('every panel has a unit', () => {
  for (const { title, fieldConfig, options } of panels) {
    expect(fieldConfig?.defaults.unit ?? options?.yAxis?.unit, title).toBeTruthy();
  }
});

test('every panel and query takes the data source that was chosen', () => {
  for (const { title, datasource, targets } of panels) {
    for (const source of [datasource, ...targets!.map((target) => target.datasource)]) {
      expect(source?.uid, title).toMatch(/^\$\{datasource\}$/);
    }
  }
});

/** Garbage collection may not have happened yet, and then has no series to take the label from. */
function labelsOf(name: string): Set<string> {
  return exposed.labels.get(name) ?? new Set(name.startsWith('nodejs_gc_') ? ['kind'] : []);
}

/** From the text format: every name that can be asked for, and the labels of those that have a series. */
function parseExposition(text: string): typeof exposed {
  const names = new Set<string>();
  for (const [, name, type] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    const suffixes = { histogram: ['_bucket', '_sum', '_count'], summary: ['', '_sum', '_count'] }[type!];
    for (const suffix of suffixes ?? ['']) names.add(name + suffix);
  }
  const labels = new Map<string, Set<string>>();
  for (const [, name, list] of text.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)) {
    const known = labels.get(name!) ?? new Set();
    for (const [, label] of (list ?? '').matchAll(/(\w+)="/g)) known.add(label!);
    labels.set(name!, known);
  }
  return { names, labels };
}

/** The metrics in a PromQL expression with the labels they are chosen by, and the labels it groups by. */
function parseQuery(expr: string): { metrics: { name: string; matchers: string[] }[]; grouping: string[] } {
  const grouping: string[] = [];
  const rest = expr
    .replace(/\[[^\]]*\]/g, '')
    .replace(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g, (_, list: string) => {
      grouping.push(...list.split(',').map((label) => label.trim()));
      return '';
    });
  // A name that is neither called nor an operator is a metric.
  const found = rest.matchAll(/\b(?!(?:and|or|unless)\b)([a-zA-Z_:][\w:]*)\b(?!\s*\()(?:\{([^}]*)\})?/g);
  const metrics = [...found].map(([, name, matchers]) => ({
    name: name!,
    matchers: [...(matchers ?? '').matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label]) => label!),
  }));
  return { metrics, grouping };
}
