/** `--tls-client-ca`: whoever has no certificate does not come in, whoever has one is known by its name. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Certificate, makeCertificate } from '../support/certificate.ts';
import { expectSameRepository } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { buildExecutable } from '../support/executable.ts';
import { runGit } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { settled } from '../support/request-log.ts';
import { type LogLine, type RunningService, startService } from '../support/service.ts';
import { bearer, makeTokenFile, tryClone, withHeader } from './tokens.ts';

const root = temporaryDirectory();
const server = makeCertificate();
const ca = makeCertificate();
const TLS = ['--tls-key', server.key, '--tls-cert', server.cert, '--tls-client-ca', ca.cert];
let source: string;
let service: RunningService;

beforeAll(async () => {
  source = createRepository(root, 'one.git');
  const history = new History();
  history.commit({ branch: 'main', files: { a: 'a\n' } });
  history.importInto(source);
  service = await startService(root, ['--workers', '1', '--host', '0.0.0.0', ...TLS]);
});

/** A certificate signed by another one. */
function signedBy(signer: Certificate, name: string): Certificate {
  const directory = temporaryDirectory();
  const key = path.join(directory, 'key.pem');
  const cert = path.join(directory, 'cert.pem');
  const request = path.join(directory, 'request.pem');
  const openssl = (args: string[]) => execFileSync('openssl', args, { stdio: 'ignore' });
  const kind = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-subj',
    `/O=Forge/CN=${name}`,
  ];
  openssl(['req', '-new', ...kind, '-keyout', key, '-out', request]);
  const by = ['-CA', signer.cert, '-CAkey', signer.key, '-CAcreateserial', '-days', '2'];
  openssl(['x509', '-req', '-in', request, ...by, '-out', cert]);
  return { key, cert };
}

const frontend = signedBy(ca, 'frontend-1');
const withCertificate = ({ key, cert }: Certificate) => ({
  GIT_SSL_CAINFO: server.cert,
  GIT_SSL_KEY: key,
  GIT_SSL_CERT: cert,
});
const at = (of: RunningService) => ({ ...of, url: of.url.replace('0.0.0.0', '127.0.0.1') });
const subjects = ({ log }: RunningService) =>
  new Set(log.filter(({ outcome }) => outcome).map((line: LogLine & { subject?: string }) => line.subject));

describe.each(['HTTP/1.1', 'HTTP/2'])('git over %s', (version) => {
  const settings = ['-c', `http.version=${version}`];

  test('clones with a certificate', async () => {
    const { code, target } = await tryClone(at(service), 'one.git', settings, withCertificate(frontend));
    expect(code).toBe(0);
    expectSameRepository(target, source);
    await settled(service);
    expect(subjects(service)).toEqual(new Set(['frontend-1']));
  });

  test.each([
    ['without one', () => ({ GIT_SSL_CAINFO: server.cert })],
    ['with that of someone else', () => withCertificate(signedBy(makeCertificate(), 'frontend-1'))],
  ])('gets nothing %s', async (_, environment) => {
    const requests = service.log.length;
    const { code, stderr } = await tryClone(at(service), 'one.git', settings, environment());
    expect({ code, stderr }).toEqual({
      code: 128,
      stderr: expect.stringContaining('unable to access'),
    });
    await settled(service);
    expect(service.log.slice(requests)).toEqual([]);
  });
});

describe('git by way of packhorse upload-pack --server', () => {
  const clone = async (...flags: readonly string[]) => {
    const parent = temporaryDirectory();
    const to = ['--server', at(service).url, '--tls-ca', server.cert, ...flags, 'one.git'];
    const program = `sh -c '${process.execPath} ${buildExecutable()} upload-pack ${to.join(' ')}'`;
    const args = ['clone', '--quiet', '--mirror', `--upload-pack=${program}`, `file://${source}`, 'clone'];
    return { ...(await runGit(parent, args)), target: path.join(parent, 'clone') };
  };

  test('clones with a certificate', async () => {
    await settled(service);
    const requests = service.log.length;
    const { code, stderr, target } = await clone('--tls-cert', frontend.cert, '--tls-key', frontend.key);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expectSameRepository(target, source);
    await settled(service);
    const log = service.log.slice(requests);
    expect(log.map(({ door }) => door)).toContain('ssh');
    expect(subjects({ ...service, log })).toEqual(new Set(['frontend-1']));
  });

  test('gets nothing without one', async () => {
    const { code, stderr } = await clone();
    expect(code).toBe(128);
    expect(stderr).toContain('the service cannot be reached (');
  });
});

test('a connection that goes on with a session has its name still', async () => {
  const agent = new https.Agent({ keepAlive: false });
  const [key, cert, trusted] = [frontend.key, frontend.cert, server.cert].map((file) =>
    fs.readFileSync(file),
  );
  const { port } = new URL(service.url);
  const url = `https://127.0.0.1:${port}/one.git/info/refs?service=git-upload-pack`;
  const ask = async () => {
    const request = https.get(url, { agent, key, cert, ca: trusted });
    const [response] = await once(request, 'response');
    const { socket } = response;
    const isResumed = socket.isSessionReused();
    response.resume();
    await once(response, 'end');
    return isResumed;
  };
  await settled(service);
  const before = service.log.length;
  expect([await ask(), await ask()]).toEqual([false, true]);
  await settled(service);
  expect(subjects({ ...service, log: service.log.slice(before) })).toEqual(new Set(['frontend-1']));
});

test('with --auth both are needed, and the token says who it is', async () => {
  const { file, tokens } = makeTokenFile(['ci']);
  const both = await startService(root, ['--workers', '1', ...TLS, '--auth', 'token', '--token-file', file]);
  const headers = withHeader(bearer(tokens.ci));
  expect(await tryClone(both, 'one.git', headers, withCertificate(frontend))).toMatchObject({ code: 0 });
  await settled(both);
  expect(subjects(both)).toEqual(new Set(['ci']));
  expect(await tryClone(both, 'one.git', [], withCertificate(frontend))).toMatchObject({ code: 128 });
  expect(await tryClone(both, 'one.git', headers, { GIT_SSL_CAINFO: server.cert })).toMatchObject({
    code: 128,
  });
});
