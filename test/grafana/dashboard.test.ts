/** What Grafana is given: the committed files. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { service } from '../../grafana/dashboard/service.ts';
import { DASHBOARDS } from '../../grafana/generated-files.ts';

interface BuiltPanel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: { readonly uid: string };
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
  readonly targets?: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[];
}

const directory = path.resolve(import.meta.dirname, '../../grafana/dashboards');

describe.each(DASHBOARDS.map(({ uid }) => uid))('%s.json', (uid) => {
  const file = path.join(directory, `${uid}.json`);
  const everything = (JSON.parse(fs.readFileSync(file, 'utf8')) as { readonly panels: readonly BuiltPanel[] })
    .panels;
  const panels = everything.filter((panel) => panel.type !== 'row');

  test('every panel has a title and an id of its own, a description and a unit', () => {
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
    expect(new Set(everything.map(({ id }) => id)).size).toBe(everything.length);
    for (const { title, description, fieldConfig } of panels) {
      expect(description, title).toBeTruthy();
      expect(fieldConfig?.defaults.unit, title).toBeTruthy();
    }
  });

  test('no panel lies on another one, and none beyond the edge', () => {
    const taken = new Set<string>();
    for (const { title, gridPos } of everything) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.has(`${x} ${y}`), title).toBe(false);
          taken.add(`${x} ${y}`);
        }
      }
    }
  });

  test('every panel and query takes the data source that was chosen', () => {
    for (const { title, datasource, targets } of panels) {
      for (const source of [datasource, ...targets!.map((target) => target.datasource)]) {
        expect(source?.uid, title).toMatch(/^\$\{datasource\}$/);
      }
    }
  });

  test('every query is for the instances that were chosen', () => {
    for (const { title, targets } of panels) {
      for (const { expr } of targets!) {
        const metrics = expr.match(/\b(?:packhorse|process|nodejs)_\w+/g)!;
        const chosen = expr.match(/\b\w+\{instance=~"\$instance"/g);
        expect(chosen, `${title}: ${expr}`).toHaveLength(metrics.length);
      }
    }
  });
});

test('rows of the service are those that operators look for, in their order', () => {
  expect(service.rows.map(({ title }) => title)).toEqual([
    'Traffic and outcome',
    'Latency and first byte',
    'Phases of fetches with a pack',
    'Admission',
    'Cache',
    'Memory and pack bytes',
    'Workers',
    'Indexes and bitmaps',
    'Node.js',
  ]);
});
