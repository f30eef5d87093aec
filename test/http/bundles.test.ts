/** Bundles over HTTP: parts of them, what caches are told, and what is refused. */
import { once } from 'node:events';
import fs from 'node:fs';
import http2 from 'node:http2';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { bundlePaths, cloneUntilBundled } from '../support/bundles.ts';
import { makeCertificate } from '../support/certificate.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { createRepository, History, noise } from '../support/history.ts';
import { cloneRequest, post, send } from '../support/raw-client.ts';
import { metric, metricBecomes } from '../support/request-log.ts';
import { DELIM, FLUSH, pkt } from '../support/requests.ts';
import { type RunningService, startService } from '../support/service.ts';

const FLAGS = ['--bundles', 'on', '--bundle-min-clones', '2'];
const root = temporaryDirectory();
const cache = temporaryDirectory();
const source = createRepository(root, 'one.git');
let service: RunningService;
let where: string;
let whole: Buffer;
let etag: string;

beforeAll(async () => {
  const history = new History();
  history.commit({ branch: 'main', files: { large: noise(1_000_000, 1), small: 'small\n' } });
  history.importInto(source);
  service = await startService(root, FLAGS, { PACKHORSE_CACHE_DIR: cache });
  await cloneUntilBundled(service, source, 'one.git', 2);
  [where] = await bundlePaths(service, 'one.git');
  whole = (await send(service, { path: where })).body;
  etag = `"${path.basename(where, '.bundle')}"`;
});

const ask = (headers: Readonly<Record<string, string>> = {}, method = 'GET') =>
  send(service, { method, path: where, headers });

test('a bundle is a file that never changes, of which parts may be had', async () => {
  const { status, headers } = await ask();
  expect(status).toBe(200);
  expect(headers).toMatchObject({
    'content-type': 'application/octet-stream',
    'content-length': String(whole.length),
    'cache-control': 'private, max-age=31536000, immutable',
    'accept-ranges': 'bytes',
    etag,
  });
  expect(Date.parse(headers['last-modified']!)).toBeLessThanOrEqual(Date.now());
  const file = path.join(temporaryDirectory(), 'one.bundle');
  fs.writeFileSync(file, whole);
  git(source, ['bundle', 'verify', '-q', file]);

  const head = await ask({ Range: 'bytes=0-9' }, 'HEAD');
  const { date: _, connection: __, ...same } = head.headers;
  expect(headers).toMatchObject(same);
  expect([head.status, head.body.length]).toEqual([200, 0]);
});

describe('a range', () => {
  test.each([
    ['bytes=0-0', 0, 1],
    ['bytes=100-299', 100, 300],
    ['bytes=300000-900000', 300_000, 900_001],
    ['Bytes=999999-', 999_999, undefined],
    ['bytes=-20', -20, undefined],
    ['bytes=-99999999', 0, undefined],
    ['bytes=5-99999999', 5, undefined],
  ])('%s', async (range, from, end) => {
    const { status, headers, body } = await ask({ Range: range });
    const part = whole.subarray(from, end);
    expect(status).toBe(206);
    expect(body.equals(part)).toBe(true);
    const first = whole.length + (from < 0 ? from : from - whole.length);
    expect(headers).toMatchObject({
      etag,
      'content-length': String(part.length),
      'content-range': `bytes ${first}-${first + part.length - 1}/${whole.length}`,
    });
  });

  test.each(['bytes=99999999-', 'bytes=-0'])('%s: there is nothing', async (range) => {
    const { status, headers, body } = await ask({ Range: range });
    expect([status, body.length]).toEqual([416, 0]);
    expect(headers['content-range']).toBe(`bytes */${whole.length}`);
    expect(headers['cache-control']).toMatch(/no-cache/);
  });

  test.each(['bytes=0-1,5-6', 'bytes=9-1', 'bytes=-', 'bytes=x-', 'lines=1-2', ''])(
    '%s is passed over',
    async (range) => {
      const { status, body } = await ask({ Range: range });
      expect([status, body.length]).toEqual([200, whole.length]);
    },
  );

  test('counts where the client has a part of the same', async () => {
    expect((await ask({ Range: 'bytes=5-', 'If-Range': etag })).status).toBe(206);
    for (const other of ['"other"', `W/${etag}`, new Date().toUTCString()]) {
      expect((await ask({ Range: 'bytes=5-', 'If-Range': other })).status).toBe(200);
    }
  });
});

test.each(['GET', 'HEAD'])('%s of what the client has already', async (method) => {
  for (const known of ['*', etag, `W/"other", W/${etag}`]) {
    const { status, headers, body } = await ask({ 'If-None-Match': known, Range: 'bytes=1-2' }, method);
    expect([status, headers.etag, body.length]).toEqual([304, etag, 0]);
  }
  expect((await ask({ 'If-None-Match': '"other"' }, method)).status).toBe(200);
});

describe('refused', () => {
  const none = () => where.replace(/[0-9a-f]{40}/, 'a'.repeat(40));

  test('an id that is none, and any where there is no repository', async () => {
    for (const other of [none(), where.replace('one', 'two'), where.replace('.bundle', '.pack')]) {
      const { status, headers } = await send(service, { path: other });
      expect([other, status]).toEqual([other, 404]);
      expect(headers['cache-control']).toMatch(/no-cache/);
    }
    // Nor is it said that the client has one.
    const { status } = await send(service, { path: none(), headers: { 'If-None-Match': '*' } });
    expect(status).toBe(404);
  });

  test('other methods', async () => {
    const { status, headers } = await ask({}, 'POST');
    expect([status, headers.allow]).toEqual([405, 'GET, HEAD']);
  });

  test('what the repository forbids, and what a client may not see any more', async () => {
    git(source, ['config', 'http.uploadpack', 'false']);
    expect((await ask()).status).toBe(403);
    git(source, ['config', '--unset', 'http.uploadpack']);
    git(source, ['config', 'transfer.hideRefs', 'refs/heads/main']);
    expect((await ask({ 'If-None-Match': etag })).status).toBe(404);
    expect(await bundlePaths(service, 'one.git')).toEqual([]);
    git(source, ['config', '--unset', 'transfer.hideRefs']);
    expect((await ask()).status).toBe(200);
  });

  test('a repository that cannot be read: not as an answer that may be kept', async () => {
    const config = path.join(source, 'config');
    const before = fs.readFileSync(config);
    fs.appendFileSync(config, '[extensions]\n\tunheardOf = true\n[core]\n\trepositoryFormatVersion = 1\n');
    const { status, headers } = await ask();
    fs.writeFileSync(config, before);
    expect(status).toBe(500);
    expect(headers['cache-control']).toMatch(/no-cache/);
    expect(headers.etag).toBeUndefined();
  });

  test('all where there are no bundles', async () => {
    const own = await startService(root);
    expect((await send(own, { path: where })).status).toBe(404);
    const { body } = await send(own, {
      path: '/one.git/info/refs?service=git-upload-pack',
      headers: { 'Git-Protocol': 'version=2' },
    });
    expect(body.toString()).not.toContain('bundle-uri');
  });
});

test('--bundle-caching public: everyone may keep them', async () => {
  const own = await startService(root, [...FLAGS, '--bundle-caching', 'public']);
  await cloneUntilBundled(own, source, 'one.git', 2);
  const [path] = await bundlePaths(own, 'one.git');
  expect((await send(own, { path })).headers['cache-control']).toBe('public, max-age=31536000, immutable');
});

test('parts over HTTP/2, from another service with the same cache directory', async () => {
  const { key, cert } = makeCertificate();
  // Who is refused a directory keeps no bundles there; this one asks for none of the rest.
  const flags = [...FLAGS, '--cache-size', '0', '--tls-key', key, '--tls-cert', cert];
  const own = await startService(root, flags, { PACKHORSE_CACHE_DIR: cache });
  const session = http2.connect(own.url, { ca: fs.readFileSync(cert) });
  for (const [head, status] of [
    [{ range: 'bytes=5-9' }, 206],
    [{ range: `bytes=${whole.length}-` }, 416],
    [{ 'if-none-match': etag }, 304],
    [{ ':method': 'HEAD' }, 200],
  ] as const) {
    const stream = session.request({ ':path': where, ...head });
    const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
    const parts: Buffer[] = [];
    for await (const part of stream) parts.push(part);
    const body = status === 206 ? whole.subarray(5, 10) : Buffer.alloc(0);
    expect([headers[':status'], Buffer.concat(parts)]).toEqual([status, body]);
  }
  session.close();
  expect(await own.stop()).toBe(0);
});

test('a bundle for which there is no room is not kept', async () => {
  const flags = [...FLAGS, '--bundle-size', '1m'];
  const own = await startService(root, flags, { PACKHORSE_CACHE_DIR: temporaryDirectory() });
  for (let n = 0; n < 2; n++) await post(own, 'one.git', cloneRequest(source));
  const line = await own.logged(({ msg }) => msg === 'a bundle could not be built');
  expect(line).toMatchObject({
    repository: 'one.git',
    error: { message: expect.stringContaining('no room') },
  });
  expect(await bundlePaths(own, 'one.git')).toEqual([]);
  await own.stop();
});

test('a repository whose name would be taken for a secret has bundles too', async () => {
  const name = `ph_${'looks-like-a-token'.repeat(2)}.git`;
  fs.cpSync(source, path.join(root, name), { recursive: true });
  const own = await startService(root, FLAGS, { PACKHORSE_CACHE_DIR: temporaryDirectory() });
  for (let n = 0; n < 2; n++) await post(own, name, cloneRequest(source));
  await own.logged(({ msg }) => msg?.startsWith('a bundle') || msg === 'bundle built');
  expect(await bundlePaths(own, name)).toHaveLength(1);
  await own.stop();
});

test('metrics count what was made, asked for and taken', async () => {
  expect(await metric(service, 'packhorse_bundles_built_total{kind="full"}')).toBe(1);
  expect(await metric(service, 'packhorse_bundles_built_total{kind="incremental"}')).toBe(0);
  expect(await metric(service, 'packhorse_bundle_bytes')).toBeGreaterThan(whole.length);
  expect(await metric(service, 'packhorse_bundle_evictions_total')).toBe(0);
  const asked = 'packhorse_fetch_requests_total{door="http",command="bundle-uri",kind="none",outcome="ok"}';
  const before = await metric(service, asked);
  // git names the command behind its capabilities.
  const request = ['agent=git/2.55.0', 'object-format=sha1', 'command=bundle-uri'].map((line) =>
    pkt(`${line}\n`),
  );
  expect((await post(service, 'one.git', `${request.join('')}${DELIM}${FLUSH}`)).body.toString()).toContain(
    'creationtoken',
  );
  await metricBecomes(service, asked, (requests) => requests === before + 1);

  const name = 'packhorse_bundle_served_bytes_total';
  const taken = await metric(service, name);
  await ask({ Range: 'bytes=0-99' });
  await metricBecomes(service, name, (bytes) => bytes === taken + 100);
});
