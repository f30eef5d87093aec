/** The runbook speaks of what is there: alerts, panels, flags, error codes, metrics and words of the log. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ALERTS } from '../../grafana/alerts/groups.ts';
import { annotationsOf } from '../../grafana/alerts/rule-file.ts';
import { panelsOf } from '../../grafana/dashboard/panel.ts';
import { service } from '../../grafana/dashboard/service.ts';
import { SERVE_FLAGS } from '../../src/cli/flags.ts';
import { ERROR_STATUS } from '../../src/errors.ts';

const top = path.resolve(import.meta.dirname, '../..');
const read = (name: string) => fs.readFileSync(path.join(top, name), 'utf8');
const runbook = read('docs/runbook.md');
const panels = panelsOf(service).map(({ title }) => title);
const anchors = [...runbook.matchAll(/^## (.+)$/gm)].map(([, title]) =>
  title!.toLowerCase().replaceAll(' ', '-'),
);

test('every alert leads to its section', () => {
  for (const alert of ALERTS) {
    const [file, anchor] = annotationsOf(alert).runbook_url.split('#');
    expect(read(file!)).toBe(runbook);
    expect(anchors, alert.name).toContain(anchor);
  }
});

test('every link within it leads somewhere', () => {
  for (const [, anchor] of runbook.matchAll(/\]\(#([^)]+)\)/g)) expect(anchors).toContain(anchor);
});

test('every panel that it names is on the dashboard', () => {
  const quoted = [...runbook.matchAll(/[Pp]anel "([^"]+)"/g)].map(([, title]) => title);
  expect(quoted.length).toBeGreaterThan(ALERTS.length);
  for (const title of quoted) expect(panels).toContain(title);
});

test('every flag and every error code that it names exists', () => {
  // Those of git and of tools stand with their program, or have one dash.
  const flags = [...runbook.matchAll(/`--([a-z-]+)(?: [^`]*)?`/g)].map(([, name]) => name);
  expect(SERVE_FLAGS.map(({ name }) => name)).toEqual(expect.arrayContaining(flags));
  const codes = runbook.match(/\bPACKHORSE_\w+/g);
  expect(Object.keys(ERROR_STATUS)).toEqual(expect.arrayContaining(codes!));
});

test('what it looks for in the log is what the service writes', () => {
  const sources = ['src/front', 'src/cli'].flatMap((directory) =>
    fs
      .readdirSync(path.join(top, directory), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => read(path.join(directory, name))),
  );
  const messages = [...runbook.matchAll(/grep '([^"']+)' packhorse\.log/g)].map(([, message]) => message!);
  expect(messages.length).toBeGreaterThan(0);
  for (const message of messages)
    expect(
      sources.some((source) => source.includes(message)),
      message,
    ).toBe(true);
});
