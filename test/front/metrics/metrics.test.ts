import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../support/directory.ts';
import { fsck, runGit } from '../../support/git.ts';
import { createRepository, History } from '../../support/history.ts';
import { samples } from '../../support/metrics.ts';
import { type RunningService, startService } from '../../support/service.ts';

const root = temporaryDirectory();
const work = temporaryDirectory();
let service: RunningService;

beforeAll(async () => {
  const history = new History();
  for (let i = 0; i < 20; i++) history.commit({ branch: 'main', files: { [`file${i}`]: `content ${i}\n` } });
  history.importInto(createRepository(root, 'project.git'));
  service = await startService(root, ['--memory-limit', '1m']);
});

describe('the operators’ port', () => {
  it('says that the service lives and is ready', async () => {
    for (const path of ['livez', 'readyz']) {
      const response = await fetch(`${service.metricsUrl}/${path}`);
      expect([response.status, await response.text()]).toEqual([200, 'ok\n']);
    }
  });

  it('is not the port of the repositories', async () => {
    expect((await fetch(`${service.url}/metrics`)).status).toBe(404);
    expect((await fetch(`${service.metricsUrl}/project.git/info/refs?service=git-upload-pack`)).status).toBe(
      404,
    );
  });

  it('counts a clone: requests, objects, bytes by source, phases', async () => {
    const cloned = await runGit(work, ['clone', '-q', `${service.url}/project.git`, 'clone']);
    expect(cloned).toMatchObject({ code: 0, stderr: '' });
    fsck(`${work}/clone`);
    const line = await service.logged(({ command, msg }) => msg === 'fetch' && command === 'fetch');
    const found = await samples(service);
    expect(
      found.get('packhorse_fetch_requests_total{door="http",command="advertise",kind="none",outcome="ok"}'),
    ).toBe(1);
    expect(
      found.get('packhorse_fetch_requests_total{door="http",command="ls-refs",kind="none",outcome="ok"}'),
    ).toBe(1);
    expect(
      found.get('packhorse_fetch_requests_total{door="http",command="fetch",kind="clone",outcome="ok"}'),
    ).toBe(1);
    const objects = ['verbatim', 'delta', 'stream', 'made', 'deflated'].map(
      (source) => found.get(`packhorse_pack_objects_total{source="${source}"}`)!,
    );
    expect(objects[0] + objects[1]).toBe(60);
    expect(found.get('packhorse_pack_bytes_total{source="verbatim"}')).toBe(line.statistics.bytes.verbatim);
    expect(found.get('packhorse_pack_size_bytes_sum')).toBe(line.statistics.bytes.total);
    for (const phase of ['negotiate', 'queue', 'count', 'entries', 'bytes', 'wait']) {
      expect(found.get(`packhorse_fetch_phase_seconds_count{phase="${phase}"}`)).toBe(1);
    }
    expect(found.get('packhorse_fetch_duration_seconds_bucket{le="1800",command="fetch",kind="clone"}')).toBe(
      1,
    );
    expect(found.get('packhorse_fetch_first_byte_seconds_bucket{le="1800",kind="clone"}')).toBe(1);
    expect(found.get('packhorse_stream_inflight_bytes')).toBe(0);
    expect(found.get('packhorse_fetches_in_progress')).toBe(0);
    expect(found.get('packhorse_worker_threads')).toBeGreaterThan(0);
    expect(found.get('packhorse_worker_busy')).toBeGreaterThan(0);
    expect(found.get('packhorse_worker_busy')).toBeLessThanOrEqual(found.get('packhorse_worker_threads')!);
    expect(found.get('packhorse_pool_queued')).toBe(0);
    expect(found.get('packhorse_memory_high_water_bytes{kind="rss"}')).toBeGreaterThan(1e7);
    expect(found.get('process_resident_memory_bytes')).toBeGreaterThan(1e7);
  });

  it('counts what a client may not have as rejected', async () => {
    const refused = await runGit(work, ['clone', '-q', `${service.url}/nowhere.git`, 'none']);
    expect(refused.stderr).toContain('not found');
    expect(
      (await samples(service)).get(
        'packhorse_fetch_requests_total{door="http",command="advertise",kind="none",outcome="rejected"}',
      ),
    ).toBe(1);
  });

  it('makes no series of what a client calls its command', async () => {
    const body = '0014command=mischief0000';
    const headers = { 'Content-Type': 'application/x-git-upload-pack-request', 'Git-Protocol': 'version=2' };
    await fetch(`${service.url}/project.git/git-upload-pack`, { method: 'POST', headers, body });
    const series = [...(await samples(service)).keys()];
    expect(series.some((name) => name.includes('mischief'))).toBe(false);
    expect(series).toContain(
      'packhorse_fetch_requests_total{door="http",command="invalid",kind="none",outcome="rejected"}',
    );
  });
});

describe('the memory watch', () => {
  it('warns once when memory passes its share of the limit', async () => {
    const warning = await service.logged(({ msg }) => msg === 'memory is near its limit');
    expect(warning.memory.limit).toBe(1024 * 1024);
    expect(warning.memory.rss).toBeGreaterThan(warning.memory.limit);
    expect(warning.fetches).toBeInstanceOf(Array);
    expect((await samples(service)).get('packhorse_memory_limit_bytes')).toBe(1024 * 1024);
  });
});
