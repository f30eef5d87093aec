/** `packhorse upload-pack --server`: what it asks a service for, and what it makes of the answers. */
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeCertificate } from '../support/certificate.ts';
import { expectSameRepository } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { buildExecutable } from '../support/executable.ts';
import { git, runGit } from '../support/git.ts';
import { createLarge } from '../support/large.ts';
import { metric, metricBecomes } from '../support/request-log.ts';
import { FLUSH, pkt } from '../support/requests.ts';
import { startService } from '../support/service.ts';
import { ended, type Program, protocol, runProgram, startProgram } from './upload-pack.ts';

const root = temporaryDirectory();
const NAME = 'large.git';
const SWITCHING =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: git-upload-pack\r\n\r\n';
let packhorse: Program;
let source: string;

beforeAll(() => {
  packhorse = [process.execPath, buildExecutable(), 'upload-pack'];
  source = createLarge(root, NAME);
});

/** A server that is not ours; returns its URL. */
async function startHttp(server: http.Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  servers.push(server);
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const servers: http.Server[] = [];
afterAll(() => {
  for (const server of servers) server.close();
});

test('it says who it is, what it wants and which version, and copies bytes both ways to their ends', async () => {
  const server = http.createServer();
  const url = await startHttp(server);
  const heads: http.IncomingMessage[] = [];
  server.on('upgrade', (request, socket) => {
    heads.push(request);
    socket.write(`${SWITCHING}hello `);
    // Its answer ends when what it is told has.
    socket.pipe(socket);
  });
  const token = path.join(root, 'token');
  fs.writeFileSync(token, 'secret\n');
  const args = ['--server', `${url}/git/`, '--token-file', token, "/group/it's 100%.git/"];
  const environment = { GIT_PROTOCOL: 'version=2:evil=\r\nX-Evil: yes' };
  const { status, stdout, stderr } = await runProgram(packhorse, args, { input: 'world', environment });
  expect({ status, stderr, stdout: stdout.toString() }).toEqual({
    status: 0,
    stderr: '',
    stdout: 'hello world',
  });
  expect(heads.map(({ method, url }) => [method, url])).toEqual([
    ['GET', "/git/group/it's%20100%25.git/git-upload-pack"],
  ]);
  expect(heads[0].headers).toMatchObject({
    connection: 'Upgrade',
    upgrade: 'git-upload-pack',
    authorization: 'Bearer secret',
    'git-protocol': 'version=2',
  });
  expect(heads[0].headers).not.toHaveProperty('x-evil');
});

describe('what cannot be is said in one line, to the operator and to the client', () => {
  async function expectRefusal(args: readonly string[], reason: string): Promise<void> {
    const { status, stdout, stderr } = await runProgram(packhorse, args);
    expect({ status, stderr }).toEqual({ status: 128, stderr: `fatal: ${reason}\n` });
    expect(stdout.toString()).toBe(pkt(`ERR ${reason}`));
  }

  test('a server that is no URL', async () => {
    const reason = '--server is no URL that begins with http:// or https://';
    await expectRefusal(['--server', 'git.example.com', NAME], reason);
  });

  test('a server with a token in its URL, which is repeated to no one', async () => {
    const reason = '--server holds a name or a password; a token goes into a file (--token-file)';
    await expectRefusal(['--server', 'http://x:s3cret@127.0.0.1:1', NAME], reason);
  });

  test('what a service does not do', async () => {
    const args = ['--server', 'http://127.0.0.1:1', '--stateless-rpc', NAME];
    const stderr = "fatal: options '--server' and '--stateless-rpc' cannot be used together\n";
    expect(await runProgram(packhorse, args)).toMatchObject({ status: 128, stderr });
  });

  test('a path that leads out of where the URL leads', async () => {
    const args = ['--server', 'http://127.0.0.1:1/mine', '../theirs.git'];
    await expectRefusal(args, "'../theirs.git' does not appear to be a git repository");
  });

  test('a token that is not there', async () => {
    const args = ['--server', 'http://127.0.0.1:1', '--token-file', '/no/token', NAME];
    await expectRefusal(args, 'the token cannot be read (ENOENT)');
  });

  test.each([
    ['--tls-cert', '--tls-key', 'the certificate cannot be read (ENOENT)'],
    ['--tls-key', '--tls-cert', 'the key of the certificate cannot be read (ENOENT)'],
    ['--tls-ca', '--no-tls-key', 'the certificate of --tls-ca cannot be read (ENOENT)'],
  ])('a file of %s that is not there', async (flag, other, reason) => {
    const { cert } = makeCertificate();
    const rest = other.startsWith('--no') ? [other] : [other, cert];
    await expectRefusal(['--server', 'https://127.0.0.1:1', flag, '/no/file', ...rest, NAME], reason);
  });

  test('a certificate without its key', async () => {
    const args = ['--server', 'https://127.0.0.1:1', '--tls-cert', makeCertificate().cert, NAME];
    await expectRefusal(args, '--tls-cert and --tls-key belong together');
  });

  test('a certificate with the key of another one', async () => {
    const pair = ['--tls-cert', makeCertificate().cert, '--tls-key', makeCertificate().key];
    await expectRefusal(
      ['--server', 'https://127.0.0.1:1', ...pair, NAME],
      'the certificate or its key cannot be used (ERR_OSSL_X509_KEY_VALUES_MISMATCH)',
    );
  });

  test('a certificate for a service that asks for none', async () => {
    const { cert, key } = makeCertificate();
    await expectRefusal(
      ['--server', 'http://127.0.0.1:1', '--tls-cert', cert, '--tls-key', key, NAME],
      '--tls-cert, --tls-key and --tls-ca need a --server that begins with https://',
    );
  });

  test('a service that does not listen', async () => {
    await expectRefusal(
      ['--server', 'http://127.0.0.1:1', NAME],
      'the service cannot be reached (ECONNREFUSED)',
    );
  });

  test('what a service has to say', async () => {
    const url = await startHttp(
      http.createServer((_, response) => {
        response.writeHead(401, { 'Content-Type': 'text/plain; charset=utf-8' });
        response.end('this token is not known\nand more\n');
      }),
    );
    await expectRefusal(['--server', url, NAME], 'the service: this token is not known (401)');
  });

  test('a server that is none of ours', async () => {
    const url = await startHttp(
      http.createServer((_, response) => {
        response.writeHead(200, { 'Content-Type': 'text/html' });
        response.end('<html>'.repeat(10_000));
      }),
    );
    await expectRefusal(['--server', url, NAME], 'the service: no connection for git (200)');
  });
});

describe('a service', () => {
  const request = () =>
    `${pkt(`want ${git(source, ['rev-parse', 'main'])} side-band-64k ofs-delta`)}${FLUSH}${pkt('done')}`;

  test('that breaks the connection', async () => {
    const server = http.createServer();
    const url = await startHttp(server);
    server.on('upgrade', (_, socket: Socket) => {
      socket.write(`${SWITCHING}0009hello`);
      // What comes back says that this has arrived.
      socket.once('data', () => socket.resetAndDestroy());
    });
    const child = startProgram(packhorse, ['--server', url, NAME]);
    const end = ended(child);
    await once(child.stdout, 'data');
    child.stdin.write(FLUSH);
    expect(await end).toEqual({ status: 128, stderr: 'fatal: the service has gone away\n' });
  });

  test('whose client stops reading is told, and the process ends by SIGPIPE', async () => {
    const service = await startService(root, ['--workers', '1']);
    const child = startProgram(packhorse, ['--server', service.url, NAME]);
    const end = ended(child);
    child.stdin.write(request());
    await once(child.stdout, 'data');
    child.stdout.pause();
    await metricBecomes(service, 'packhorse_stream_inflight_bytes', (bytes) => bytes > 0);
    child.stdout.destroy();
    expect(await end).toEqual({ status: 'SIGPIPE', stderr: '' });
    await service.logged(({ outcome }) => outcome === 'client_aborted');
    await metricBecomes(service, 'packhorse_fetches_in_progress', (fetches) => fetches === 0);
    expect(await metric(service, 'packhorse_stream_inflight_bytes')).toBe(0);
  });

  test('of HTTPS', async () => {
    const { key, cert } = makeCertificate();
    const service = await startService(root, ['--workers', '1', '--tls-key', key, '--tls-cert', cert]);
    const parent = temporaryDirectory();
    // The path of a repository below its root is what this program is given for one.
    const program = `sh -c '${packhorse.join(' ')} --server ${service.url} ${NAME}'`;
    const args = ['clone', '--mirror', `--upload-pack=${program}`, `file://${source}`, 'clone'];
    const environment = { ...protocol(2), NODE_EXTRA_CA_CERTS: cert };
    expect(await runGit(parent, args, environment)).toMatchObject({ code: 0 });
    expectSameRepository(source, path.join(parent, 'clone'));
  });
});
