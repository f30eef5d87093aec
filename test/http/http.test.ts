/** The HTTP door by hand: status codes, headers, bodies, paths (protocol section 3). */
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { clone, expectSameRepository, gitIn } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { fsck, git } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { cloneRequest, post, REQUEST_TYPE, send } from '../support/raw-client.ts';
import { requestsDuring } from '../support/request-log.ts';
import { parseFetchAnswer, v2Request } from '../support/requests.ts';
import { type LogLine, type RunningService, startService } from '../support/service.ts';

const root = temporaryDirectory();
const NAME = 'repo.git';
const MAX_REQUEST = 200_000;
const V2 = { 'Git-Protocol': 'version=2' };
let service: RunningService;
let source: string;

beforeAll(async () => {
  service = await startService(root, ['--max-request-size', `${MAX_REQUEST}`]);
  source = createRepository(root, NAME);
  const history = new History();
  // Wants of all of them make a body larger than http.postBuffer's least.
  for (let n = 0; n < 1500; n++) history.commit({ branch: `b${n}`, files: { a: `${n}` } });
  history.commit({ branch: 'main', files: { a: 'a\n' } });
  history.importInto(source);
});

const NO_CACHE = {
  expires: 'Fri, 01 Jan 1980 00:00:00 GMT',
  pragma: 'no-cache',
  'cache-control': 'no-cache, max-age=0, must-revalidate',
};
const INFO_REFS = `/${NAME}/info/refs?service=git-upload-pack`;

describe('what is answered', () => {
  test('the advertisement', async () => {
    const { status, headers, body } = await send(service, { path: INFO_REFS, headers: V2 });
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      ...NO_CACHE,
      'content-type': 'application/x-git-upload-pack-advertisement',
    });
    const text = body.toString();
    expect(text).toMatch(/^000eversion 2\n[0-9a-f]{4}agent=packhorse\//);
    for (const line of ['ls-refs=unborn\n', 'server-option\n', 'object-format=sha1\n']) {
      expect(text).toContain(line);
    }
    expect(text).toMatch(/fetch=shallow/);
    expect(text.endsWith('0000')).toBe(true);
  });

  test('HEAD of the advertisement has its headers and no body', async () => {
    const answer = await send(service, { method: 'HEAD', path: INFO_REFS, headers: V2 });
    expect(answer.status).toBe(200);
    expect(answer.body).toHaveLength(0);
    expect(answer.headers).toMatchObject({
      ...NO_CACHE,
      'content-type': 'application/x-git-upload-pack-advertisement',
    });
    // The task has ended as well.
    await service.logged(({ command, outcome }) => command === 'advertise' && outcome === 'ok');
  });

  test('a SHA-256 repository says so', async () => {
    createRepository(root, 'sha256.git', ['--object-format=sha256']);
    const answer = await send(service, {
      path: '/sha256.git/info/refs?service=git-upload-pack',
      headers: V2,
    });
    expect(answer.body.toString()).toContain('object-format=sha256\n');
    const mismatch = await post(service, 'sha256.git', v2Request('ls-refs'));
    expect(mismatch.body.toString()).toMatch(/ERR mismatched object format: server sha256; client sha1$/);
  });

  test('the result of a request', async () => {
    const { status, headers, body } = await post(service, NAME, v2Request('ls-refs', ['ref-prefix HEAD']));
    expect(status).toBe(200);
    expect(headers).toMatchObject({ ...NO_CACHE, 'content-type': 'application/x-git-upload-pack-result' });
    expect(headers['content-encoding']).toBeUndefined();
    expect(body.toString()).toBe(`0032${git(source, ['rev-parse', 'HEAD'])} HEAD\n0000`);
  });

  test.each(['0000', ''])('the probe %j gets an empty 200, whatever version it asks for', async (body) => {
    for (const headers of [{}, V2]) {
      const answer = await send(service, {
        method: 'POST',
        path: `/${NAME}/git-upload-pack`,
        headers: { 'Content-Type': REQUEST_TYPE, 'Content-Length': body.length, ...headers },
        body,
      });
      expect(answer).toMatchObject({ status: 200, body: Buffer.alloc(0) });
    }
  });
});

describe('protocol versions', () => {
  const VERSION_0 = /^001e# service=git-upload-pack\n0000[0-9a-f]{44} HEAD\0multi_ack /;
  const VERSION_1 = /^001e# service=git-upload-pack\n0000000eversion 1\n[0-9a-f]{44} HEAD\0multi_ack /;
  const VERSION_2 = /^000eversion 2\n/;

  test.each<[string | undefined, RegExp]>([
    [undefined, VERSION_0],
    ['', VERSION_0],
    ['version=0', VERSION_0],
    ['version=3', VERSION_0],
    ['version=22', VERSION_0],
    ['Version=2', VERSION_0],
    ['version=1', VERSION_1],
    ['version=1:version=3', VERSION_1],
    ['version=2', VERSION_2],
    ['version=1:version=2', VERSION_2],
    ['version=2:version=1', VERSION_2],
    ['foo:version=2:bar=1', VERSION_2],
  ])('what %s is answered in', async (version, expected) => {
    const headers = version === undefined ? {} : { 'Git-Protocol': version };
    const answer = await send(service, { path: INFO_REFS, headers });
    expect(answer.status).toBe(200);
    expect(answer.body.toString()).toMatch(expected);
  });

  test('each request says its own', async () => {
    const answer = await post(service, NAME, v2Request('ls-refs'), { 'Git-Protocol': 'version=1' });
    expect(answer.body.toString()).toMatch(/ERR git upload-pack: protocol error, expected to get object ID/);
  });

  test.each(['0', '1', '2'])('git lists refs with protocol.version=%s', async (version) => {
    const args = ['-c', `protocol.version=${version}`, 'ls-remote'];
    expect(await gitIn(root, [...args, `${service.url}/${NAME}`])).toBe(
      await gitIn(root, ['ls-remote', NAME]),
    );
  });
});

describe('what is refused', () => {
  test.each([
    ['GET', `/${NAME}/info/refs`, 403],
    ['GET', `/${NAME}/info/refs?service=git-receive-pack`, 403],
    ['GET', `/${NAME}/info/refs?service=git-foo`, 403],
    ['GET', `/${NAME}/info/refs?service=`, 403],
    ['POST', `/${NAME}/git-receive-pack`, 403],
    ['GET', `/${NAME}/HEAD`, 403],
    ['GET', `/${NAME}/objects/info/packs`, 403],
    ['GET', `/${NAME}/config`, 404],
    ['GET', `/${NAME}/refs/heads/main`, 404],
    ['GET', '/', 404],
    ['GET', '/info/refs?service=git-upload-pack', 404],
    ['GET', '/absent.git/info/refs?service=git-upload-pack', 404],
    ['GET', `/${NAME}/objects/info/refs?service=git-upload-pack`, 404],
    ['PROPFIND', `/${NAME}/config`, 404],
    ['OPTIONS', '*', 404],
    ['GET', '/%zz/info/refs', 400],
    ['GET', '/%E9.git/info/refs', 400],
    ['POST', '/%zz/git-upload-pack', 400],
    ['PROPFIND', '/%zz/info/refs', 400],
  ])('%s %s is %i', async (method, target, status) => {
    const answer = await send(service, { method, path: target, headers: V2 });
    expect(answer.status).toBe(status);
    expect(answer.headers).toMatchObject({ ...NO_CACHE, 'content-type': 'text/plain; charset=utf-8' });
    expect(answer.body.length).toBeGreaterThan(0);
  });

  test.each([
    ['POST', '/info/refs?service=git-upload-pack', 'GET, HEAD'],
    ['DELETE', '/info/refs?service=git-upload-pack', 'GET, HEAD'],
    ['GET', '/git-upload-pack', 'POST'],
    ['PUT', '/git-upload-pack', 'POST'],
    ['HEAD', '/git-upload-pack', 'POST'],
    ['PROPFIND', '/git-upload-pack', 'POST'],
    ['MKCOL', '/info/refs', 'GET, HEAD'],
  ])('%s %s is 405, with Allow: %s', async (method, target, allow) => {
    const answer = await send(service, { method, path: `/${NAME}${target}`, headers: V2 });
    expect(answer.status).toBe(405);
    expect(answer.headers).toMatchObject({ ...NO_CACHE, allow });
  });

  test.each(['text/plain', `${REQUEST_TYPE}; charset=utf-8`, undefined])(
    'a body of type %s is 415',
    async (type) => {
      const headers = { ...V2, ...(type ? { 'Content-Type': type } : {}) };
      const answer = await send(service, {
        method: 'POST',
        path: `/${NAME}/git-upload-pack`,
        headers,
        body: '0000',
      });
      expect(answer.status).toBe(415);
      expect(answer.headers).toMatchObject(NO_CACHE);
      expect(answer.body.toString()).toBe(
        `Expected POST with Content-Type '${REQUEST_TYPE}', but received '${type ?? ''}' instead.\n`,
      );
    },
  );

  test('git tells of a repository that is not there, and shows refusals', async () => {
    await expect(clone(service, 'absent.git')).rejects.toThrow(/repository '.*\/absent\.git\/' not found/);
    await expect(gitIn(source, ['push', `${service.url}/${NAME}`, 'main:x'])).rejects.toThrow(/403/);
  });

  test('a corrupt HEAD makes it no repository', async () => {
    const broken = createRepository(root, 'broken-head.git');
    fs.writeFileSync(path.join(broken, 'HEAD'), 'rubbish\n');
    const answer = await send(service, {
      path: '/broken-head.git/info/refs?service=git-upload-pack',
      headers: V2,
    });
    expect(answer.status).toBe(404);
  });

  test('an unknown repository format or extension is told', async () => {
    const odd = createRepository(root, 'odd.git');
    git(odd, ['config', 'core.repositoryFormatVersion', '1']);
    git(odd, ['config', 'extensions.fromTheFuture', 'true']);
    await expect(clone(service, 'odd.git')).rejects.toThrow(
      /remote error: unknown repository extension found: fromthefuture/,
    );
  });
});

/** Lines of requests made by hand may come in between. */
function commandsOfGit(lines: readonly LogLine[]): string[] {
  return lines.filter(({ agent }) => agent.startsWith('git/')).map(({ command }) => command);
}

describe('request bodies', () => {
  let request: string;
  let expected: Buffer;

  beforeAll(async () => {
    request = v2Request('fetch', [`want ${git(source, ['rev-parse', 'main'])}`, 'no-progress', 'done']);
    expected = (await post(service, NAME, request)).body;
    expect(parseFetchAnswer(expected).complete).toBe(true);
  });

  test.each(['gzip', 'x-gzip', 'GZIP'])('in %s', async (encoding) => {
    const answer = await post(service, NAME, zlib.gzipSync(request), { 'Content-Encoding': encoding });
    expect(answer.body.equals(expected)).toBe(true);
  });

  test('in identity, and in chunks of one byte', async () => {
    const identity = await post(service, NAME, request, { 'Content-Encoding': 'identity' });
    expect(identity.body.equals(expected)).toBe(true);
    const chunked = await post(service, NAME, [...request]);
    expect(chunked.body.equals(expected)).toBe(true);
  });

  test('in gzip and in chunks', async () => {
    const zipped = zlib.gzipSync(request);
    const pieces = [...zipped].map((_, i) => zipped.subarray(i, i + 1));
    const answer = await post(service, NAME, pieces, { 'Content-Encoding': 'gzip' });
    expect(answer.body.equals(expected)).toBe(true);
  });

  test('after Expect: 100-continue', async () => {
    const answer = await post(service, NAME, request, { Expect: '100-continue' });
    expect(answer.body.equals(expected)).toBe(true);
  });

  test.each(['deflate', 'br', 'gzip, gzip', 'rubbish'])('in %s: 415', async (encoding) => {
    const answer = await post(service, NAME, request, { 'Content-Encoding': encoding });
    expect(answer.status).toBe(415);
    expect(answer.body.toString()).toContain(encoding);
  });

  test('gzip that is none, or is cut short: 400', async () => {
    const zipped = zlib.gzipSync(request);
    for (const body of [Buffer.from(request), zipped.subarray(0, zipped.length - 12)]) {
      const answer = await post(service, NAME, body, { 'Content-Encoding': 'gzip' });
      expect(answer.status).toBe(400);
      expect(answer.body.toString()).toMatch(/gzip/);
    }
  });

  test('over the limit: 413, plain, in chunks, and as a gzip bomb', async () => {
    const long = Buffer.alloc(MAX_REQUEST + 1, '0');
    const bomb = zlib.gzipSync(Buffer.alloc(100 * 2 ** 20));
    const answers = [
      await post(service, NAME, long),
      await post(service, NAME, [long, long]),
      await post(service, NAME, bomb, { 'Content-Encoding': 'gzip' }),
    ];
    for (const answer of answers) {
      expect(answer.status).toBe(413);
      expect(answer.headers).toMatchObject(NO_CACHE);
      expect(answer.body.toString()).toContain(`${MAX_REQUEST}`);
    }
  });

  test('large ones of the real git: in gzip, and as a probe with chunks behind it', async () => {
    const gzip = await requestsDuring(service, async () =>
      expectSameRepository(source, await clone(service, NAME)),
    );
    expect(commandsOfGit(gzip)).toEqual(['advertise', 'ls-refs', 'fetch']);
    const chunked = await requestsDuring(service, async () =>
      expectSameRepository(source, await clone(service, NAME, ['-c', 'http.postBuffer=65536', '--mirror'])),
    );
    expect(commandsOfGit(chunked)).toEqual(['advertise', 'none', 'ls-refs', 'none', 'fetch']);
    expect(chunked.at(-1)!.statistics.wants).toBe(1501);
  });
});

describe('paths', () => {
  const outside = temporaryDirectory();
  const infoRefs = (repository: string) => `/${repository}/info/refs?service=git-upload-pack`;

  beforeAll(() => {
    const secret = createRepository(outside, 'secret.git');
    const history = new History();
    history.commit({ branch: 'main', files: { secret: 'secret\n' } });
    history.importInto(secret);
    fs.symlinkSync(secret, path.join(root, 'link.git'));
    fs.symlinkSync(outside, path.join(root, 'elsewhere'));
    fs.symlinkSync(NAME, path.join(root, 'alias.git'));
    fs.mkdirSync(path.join(root, 'work'));
    fs.symlinkSync(secret, path.join(root, 'work/.git'));
    // A directory beside the root whose name begins as the root's does.
    fs.cpSync(secret, `${root}-beside/secret.git`, { recursive: true });
    fs.symlinkSync(`${root}-beside/secret.git`, path.join(root, 'beside.git'));
    return () => fs.rmSync(`${root}-beside`, { recursive: true });
  });

  const up = `../${path.basename(outside)}/secret.git`;
  test.each([
    `x/../${NAME}`,
    up,
    `x/../../${path.basename(outside)}/secret.git`,
    up.replace('..', '%2e%2e'),
    up.replace('..', '.%2E'),
    up.replace('../', '..%2f'),
    up.replace('../', '%2e%2e%2f'),
    up.replace('../', '..%5c'),
    up.replace('..', '%252e%252e'),
    `./${NAME}`,
    `/${NAME}`,
    `%2f${NAME}`,
    `${NAME}//`,
    `${NAME}%00`,
    `${NAME}%00.git`,
    outside.slice(1),
    `/${outside}/secret.git`,
    'link.git',
    'elsewhere/secret.git',
    'work',
    'work/.git',
    'beside.git',
    `${NAME}/refs`,
    `${NAME}/objects`,
    'a'.repeat(5000),
  ])('%s leads nowhere', async (repository) => {
    const answer = await send(service, { path: infoRefs(repository), headers: V2 });
    expect(answer.status).toBe(404);
    const rpc = await send(service, {
      method: 'POST',
      path: `/${repository}/git-upload-pack`,
      headers: { ...V2, 'Content-Type': REQUEST_TYPE },
      body: v2Request('ls-refs'),
    });
    expect(rpc.status).toBe(404);
    expect(rpc.body.toString()).not.toContain('refs/heads');
  });

  test.each(['%', '%f', '%ff', '%zz'])('a path that cannot be decoded (%s) is refused', async (end) => {
    const answer = await send(service, { path: infoRefs(`${NAME}${end}`), headers: V2 });
    expect(answer.status).toBe(400);
    expect(answer.headers).toMatchObject({ ...NO_CACHE, 'content-type': 'text/plain; charset=utf-8' });
    expect(answer.body.toString()).not.toContain('version 2');
  });

  test('a link inside of the root is followed', async () => {
    const answer = await send(service, { path: infoRefs('alias.git'), headers: V2 });
    expect(answer.status).toBe(200);
  });

  test('alternates outside of the root are not followed, unless they are allowed', async () => {
    const borrower = path.join(root, 'borrower.git');
    git(root, ['clone', '--quiet', '--bare', '--shared', path.join(outside, 'secret.git'), borrower]);
    const oid = git(borrower, ['rev-parse', 'main']);
    const answer = await post(service, 'borrower.git', v2Request('fetch', [`want ${oid}`, 'done']));
    expect(answer.body.toString()).toMatch(/ERR upload-pack: not our ref/);
    const open = await startService(root, ['--allow-path', outside]);
    expectSameRepository(borrower, await clone(open, 'borrower.git'));
    expectSameRepository(path.join(outside, 'secret.git'), await clone(open, 'link.git'));
  });
});

test('after all of this the service still serves', async () => {
  const answer = parseFetchAnswer((await post(service, NAME, cloneRequest(source))).body);
  expect(answer.complete).toBe(true);
  fsck(source);
  const failures = service.log.filter(({ level }) => level >= 50);
  expect(failures.map(({ repository }) => repository)).toEqual(['odd.git']);
});
