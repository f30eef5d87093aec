/** The dumb protocol: git http-backend is the judge, and a git that was told to be dumb the client. */
import { once } from 'node:events';
import fs from 'node:fs';
import http2 from 'node:http2';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { makeCertificate } from '../support/certificate.ts';
import { expectSameRepository } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git, runGit } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { askBackend } from '../support/http-backend.ts';
import { send } from '../support/raw-client.ts';
import { type RunningService, startService } from '../support/service.ts';

const root = temporaryDirectory();
let source: string;
let service: RunningService;
/** One file of each kind: paths below the repository. */
let files: string[];

beforeAll(async () => {
  source = createRepository(root, 'one.git');
  const history = new History();
  const first = history.commit({ branch: 'main', files: { a: 'a\n', 'b/c': 'c\n' } });
  history.tag('v1', first);
  history.importInto(source);
  git(source, ['tag', 'light', 'main']);
  git(source, ['pack-refs', '--all']);
  git(source, ['hash-object', '-w', '--stdin'], { input: 'loose\n' });
  git(source, ['update-ref', 'refs/heads/loose', 'main']);
  fs.writeFileSync(path.join(source, 'objects/info/http-alternates'), 'http://example.com/objects\n');
  const empty = createRepository(root, 'empty.git');
  git(empty, ['config', 'http.getanyfile', 'false']);
  const packs = fs
    .readdirSync(path.join(source, 'objects/pack'))
    .filter((name) => /\.(pack|idx)$/.test(name));
  const loose = git(source, ['hash-object', '--stdin'], { input: 'loose\n' });
  files = [
    'info/refs',
    'HEAD',
    'objects/info/packs',
    'objects/info/alternates',
    'objects/info/http-alternates',
    `objects/${loose.slice(0, 2)}/${loose.slice(2)}`,
    `objects/${loose.slice(0, 2)}/${'0'.repeat(38)}`,
    `objects/pack/pack-${'0'.repeat(40)}.pack`,
    ...packs.map((name) => `objects/pack/${name}`),
  ];
  service = await startService(root, ['--dumb-http']);
});

/** Without what depends on the moment; git writes the zone of a date in another way than HTTP would have it. */
const known = (headers: Readonly<Record<string, unknown>>) => ({
  ...headers,
  expires: String(headers.expires).replace(/^\w+, \d+ \w+ (\d+) .*/, 'in $1'),
  'last-modified': String(headers['last-modified']).replace(/\+0000$/, 'GMT'),
});

describe.each(['GET', 'HEAD'])('%s', (method) => {
  test('answers what git http-backend answers', async () => {
    for (const file of files) {
      const theirs = askBackend(root, method, `/one.git/${file}`);
      const ours = await send(service, { method, path: `/one.git/${file}` });
      expect([file, ours.status]).toEqual([file, theirs.status]);
      if (ours.status !== 200) continue;
      const names = ['content-type', 'cache-control', 'pragma', 'last-modified', 'expires'];
      const pick = (headers: Readonly<Record<string, unknown>>) =>
        known(Object.fromEntries(names.map((name) => [name, headers[name]])));
      expect([file, pick(ours.headers)]).toEqual([file, pick(theirs.headers)]);
      const body = method === 'GET' ? theirs.body : Buffer.alloc(0);
      expect([file, ours.body.toString('latin1')]).toEqual([file, body.toString('latin1')]);
    }
  });
});

test('a client that knows no other protocol clones', async () => {
  const parent = temporaryDirectory();
  const args = ['clone', '--mirror', `${service.url}/one.git`, 'clone'];
  const { code, stderr } = await runGit(parent, args, { GIT_SMART_HTTP: '0' });
  expect([stderr, code]).toEqual([expect.any(String), 0]);
  expectSameRepository(source, path.join(parent, 'clone'));
});

test('refs that are hidden from others are hidden here too', async () => {
  const hiding = path.join(root, 'hiding.git');
  fs.cpSync(source, hiding, { recursive: true });
  git(hiding, ['config', 'transfer.hideRefs', 'refs/tags']);
  const { body } = await send(service, { path: '/hiding.git/info/refs' });
  expect(body.toString()).toMatch(/refs\/heads\/main/);
  expect(body.toString()).not.toContain('refs/tags');
});

test('a repository may forbid it', async () => {
  for (const file of ['info/refs', 'HEAD', 'objects/info/packs']) {
    const answer = await send(service, { path: `/empty.git/${file}` });
    expect(answer.status).toBe(403);
  }
});

test('a link does not lead out of the root', async () => {
  const linking = createRepository(root, 'linking.git');
  const outside = path.join(temporaryDirectory(), 'secret');
  fs.writeFileSync(outside, 'secret');
  fs.mkdirSync(path.join(linking, 'objects/aa'), { recursive: true });
  const name = `objects/aa/${'b'.repeat(38)}`;
  fs.symlinkSync(outside, path.join(linking, name));
  expect((await send(service, { path: `/linking.git/${name}` })).status).toBe(404);
});

test('nothing but heads is asked for over HTTP/2', async () => {
  const { key, cert } = makeCertificate();
  const own = await startService(root, ['--dumb-http', '--tls-key', key, '--tls-cert', cert]);
  const session = http2.connect(own.url, { ca: fs.readFileSync(cert) });
  for (const file of [...files, 'info/refs?service=git-upload-pack']) {
    const stream = session.request({ ':method': 'HEAD', ':path': `/one.git/${file}` });
    const [headers] = (await once(stream.resume(), 'response')) as [http2.IncomingHttpHeaders];
    const { status } = await send(service, { method: 'HEAD', path: `/one.git/${file}` });
    expect([file, headers[':status']]).toEqual([file, status]);
  }
  session.close();
  expect(await own.stop()).toBe(0);
});

test('without --dumb-http there are no files', async () => {
  const own = await startService(root);
  for (const file of files) {
    const { status, body } = await send(own, { path: `/one.git/${file}` });
    expect([file, status, body.toString()]).toEqual([file, 403, 'the dumb protocol is not served\n']);
  }
});
