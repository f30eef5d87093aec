import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../support/directory.ts';
import { fsck, runGit } from '../../support/git.ts';
import { createRepository, History } from '../../support/history.ts';
import { type RunningService, startService } from '../../support/service.ts';

const root = temporaryDirectory();
const work = temporaryDirectory();
const history = new History();
for (let i = 0; i < 20; i++) history.commit({ branch: 'main', files: { [`file${i}`]: `content ${i}\n` } });
history.importInto(createRepository(root, 'project.git'));

const LIMITS = ['--clone-limit', '4', '--fetch-limit', '2'];

async function metric(service: RunningService, name: string): Promise<number> {
  const text = await (await fetch(`${service.metricsUrl}/metrics`)).text();
  const line = text.split('\n').find((each) => each.startsWith(`${name} `));
  return Number(line?.slice(name.length));
}

test('in too little memory the limits fall to 1 and clones are served all the same, unless limits are to stay', async () => {
  const little = [...LIMITS, '--memory-limit', '20m'];
  const fixed = await startService(root, [...little, '--adaptive-limits', 'off']);
  const service = await startService(root, little);
  const line = await service.logged(({ msg, limits }) => msg === 'limits lowered' && limits.clone === 1);
  expect(line.limits).toEqual({ fetch: 1, clone: 1 });
  expect(line.signals.memory).toBeGreaterThan(1);
  expect(await metric(service, 'packhorse_admission_limit{lane="clone"}')).toBe(1);
  expect(await metric(service, 'packhorse_admission_limit{lane="fetch"}')).toBe(1);
  expect(await metric(service, 'packhorse_admission_backoff_events_total{watcher="memory"}')).toBeGreaterThan(
    1,
  );
  expect(await metric(fixed, 'packhorse_admission_limit{lane="clone"}')).toBe(4);

  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  const url = `${service.url}/project.git`;
  const clones = await Promise.all(names.map((name) => runGit(work, ['clone', '-q', url, name])));
  for (const clone of clones) expect(clone).toMatchObject({ code: 0 });
  for (const name of names) fsck(`${work}/${name}`);
});
