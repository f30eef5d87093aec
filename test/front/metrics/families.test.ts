/** The families of metrics as a whole: good names, none undocumented, no series for what clients bring along. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { clone } from '../../support/clone.ts';
import { temporaryDirectory } from '../../support/directory.ts';
import { runGit } from '../../support/git.ts';
import { createRepository, History } from '../../support/history.ts';
import { samples, scrape } from '../../support/metrics.ts';
import { requestsDuring } from '../../support/request-log.ts';
import { type RunningService, startService } from '../../support/service.ts';

const OBSERVABILITY = path.resolve(import.meta.dirname, '../../../docs/observability.md');
const root = temporaryDirectory();
let service: RunningService;

beforeAll(async () => {
  const repository = createRepository(root, 'unheard-of.git');
  const history = new History();
  for (let i = 0; i < 5; i++) history.commit({ branch: 'main', files: { [`file${i}`]: `content ${i}\n` } });
  history.importInto(repository);
  service = await startService(root, ['--cache-min-uses', '1'], {
    PACKHORSE_GIT_CONFIG: 'uploadpack.allowFilter',
  });
});

test('a partial clone is one, and what comes from the cache is counted as such', async () => {
  await requestsDuring(service, () => clone(service, 'unheard-of.git'));
  const filter = ['clone', '-q', '--bare', '--filter=blob:none', `${service.url}/unheard-of.git`];
  await requestsDuring(service, () => runGit(temporaryDirectory(), filter));
  const [hit] = (await requestsDuring(service, () => clone(service, 'unheard-of.git'))).slice(-1);
  expect(hit.statistics.cache).toBe('hit');
  const found = await samples(service);
  const fetches = (kind: string) =>
    found.get(`packhorse_fetch_requests_total{door="http",command="fetch",kind="${kind}",outcome="ok"}`);
  expect({ clone: fetches('clone'), partial: fetches('partial') }).toEqual({ clone: 2, partial: 1 });
  expect(found.get('packhorse_pack_objects_total{source="cache"}')).toBe(hit.statistics.objects.total);
  expect(found.get('packhorse_pack_bytes_total{source="cache"}')).toBe(hit.statistics.bytes.total);
});

test('promtool has nothing to say about their names', async () => {
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: await scrape(service),
    encoding: 'utf8',
  });
  expect({ status, said: stdout + stderr }).toEqual({ status: 0, said: '' });
});

test('each is documented, and nothing else is', async () => {
  const served = (await scrape(service)).matchAll(/^# TYPE (packhorse_\w+)/gm);
  const cells = fs
    .readFileSync(OBSERVABILITY, 'utf8')
    .match(/^\| `packhorse_[^|]*/gm)!
    .join('');
  const names = (matches: Iterable<RegExpMatchArray>) => Array.from(matches, ([, name]) => name).sort();
  expect(names(cells.matchAll(/(packhorse_\w+)/g))).toEqual(names(served));
});

test('no label holds what a client brings along: its repository, agent, address or command', async () => {
  const before = (await samples(service)).size;
  const lines = await requestsDuring(
    service,
    async () => {
      const agent = ['-c', 'http.userAgent=curious/1.0'];
      await runGit(root, [...agent, 'ls-remote', `${service.url}/unheard-of.git`]);
      await runGit(root, [...agent, 'ls-remote', `${service.url}/nowhere-at-all.git`]);
    },
    ({ repository }) => repository === 'nowhere-at-all.git',
  );
  expect(lines.at(-1)).toMatchObject({ agent: 'curious/1.0', outcome: 'rejected' });
  const text = await scrape(service);
  for (const own of ['unheard-of', 'nowhere-at-all', 'curious', '127.0.0.1']) expect(text).not.toContain(own);
  expect((await samples(service)).size).toBe(before);
});
