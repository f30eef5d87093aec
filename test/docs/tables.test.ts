/** Tables of documents: whole, and with all that the code may say. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { INDEX_KINDS } from '../../src/channel/shared-indexes.ts';
import { SERVE_FLAGS } from '../../src/cli/flags.ts';
import { SHARED_RESULTS, SHARED_WRITES } from '../../src/front/shared-cache/shared-counts.ts';
import { whySlow } from '../../src/front/status/why-slow.ts';
import { BITMAP_USES, newStatistics } from '../../src/upload-pack/statistics.ts';

const DOCS = path.join(import.meta.dirname, '../../docs');
const textOf = (name: string) => fs.readFileSync(path.join(DOCS, name), 'utf8');
const DOCUMENTS = fs.readdirSync(DOCS).filter((name) => name.endsWith('.md'));

test.each(DOCUMENTS)('no table of %s is torn', (name) => {
  const lines = textOf(name).split('\n');
  const starts = lines.filter((line, n) => line.startsWith('|') && !lines[n - 1]?.startsWith('|'));
  const headed = lines.filter((line, n) => line.startsWith('|') && /^\|[\s:|-]+\|$/.test(lines[n + 1] ?? ''));
  expect(starts).toEqual(headed);
});

test('operations.md names every flag', () => {
  const text = textOf('operations.md');
  expect(SERVE_FLAGS.map((flag) => `--${flag.name}`).filter((flag) => !text.includes(`\`${flag}`))).toEqual(
    [],
  );
});

test.each([
  ['packhorse_index_loads_total', INDEX_KINDS],
  ['packhorse_index_ignored_total', ['bitmap', 'rev', 'midx', 'graph', 'entries', 'other']],
  ['packhorse_shared_cache_requests_total', SHARED_RESULTS],
  ['packhorse_shared_cache_writes_total', SHARED_WRITES],
])('observability.md has the values of the label of %s', (metric, values) => {
  const row = textOf('observability.md')
    .split('\n')
    .find((line) => line.startsWith('|') && line.includes(`\`${metric}{`))!;
  expect(values.filter((value) => !row.includes(`\`${value}\``))).toEqual([]);
});

test.each(BITMAP_USES.filter((use) => use !== 'used'))(
  'status.md has what the page says of a bitmap that is %s',
  (bitmap) => {
    const statistics = { ...newStatistics('fetch'), bitmap };
    statistics.phases.count = 1;
    const [words] = whySlow({ seconds: 1, authorized: 0, statistics, error: undefined });
    expect(textOf('status.md')).toContain(words);
  },
);

test('no document builds upon the image with a package manager, which it has not', () => {
  for (const name of DOCUMENTS) expect(textOf(name)).not.toMatch(/FROM packhorse\b[^#]{0,200}RUN npm/);
});
