/** Which flags of authorization go together, and what they open. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { readServeConfig } from '../../src/cli/config.ts';
import { ConfigError } from '../../src/cli/flags.ts';
import { newToken } from '../../src/front/auth/token-file.ts';
import { makeCertificate } from '../support/certificate.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { startService } from '../support/service.ts';

const directory = temporaryDirectory();
const tokens = path.join(directory, 'tokens');
fs.writeFileSync(tokens, `${newToken('ci').line}\n`);
const secret = path.join(directory, 'secret');
fs.writeFileSync(secret, 'x'.repeat(32));
const { key, cert } = makeCertificate();

const TOKEN = ['--auth', 'token', '--token-file', tokens];
const JWT = ['--auth', 'jwt', '--jwt-key', secret, '--jwt-audience', 'git'];
const URL = 'http://127.0.0.1:3000/allow?repo={repo}';
const FORWARD = ['--auth', 'forward', '--authorize-url', URL];
const CERTIFICATES = ['--tls-key', key, '--tls-cert', cert, '--tls-client-ca', cert];
const GUARDED = [TOKEN, JWT, FORWARD, CERTIFICATES];

const read = (args: readonly string[]) => readServeConfig(args, {});

function refusal(args: readonly string[]): string {
  try {
    read(args);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  throw new Error('it was accepted');
}

test('each mode has its flags', () => {
  expect(read([]).auth).toEqual({ mode: 'none' });
  expect(read(TOKEN).auth).toEqual({ mode: 'token', tokenFile: tokens });
  expect(read(JWT).auth).toEqual({ mode: 'jwt', keys: { file: secret }, audience: 'git' });
  const remote = ['--auth', 'jwt', '--jwks-url', 'https://forge/keys', '--jwt-audience', 'git'];
  expect(read(remote).auth).toEqual({ mode: 'jwt', keys: { url: 'https://forge/keys' }, audience: 'git' });
  expect(read(FORWARD).auth).toEqual({ mode: 'forward', url: URL, timeout: 5000, cache: 10_000 });
});

test.each([
  [['--auth', 'token'], '--auth token needs --token-file'],
  [['--auth', 'jwt'], '--auth jwt needs --jwt-key or --jwks-url'],
  [['--auth', 'jwt', '--jwt-key', secret], '--auth jwt needs --jwt-audience'],
  [
    [...JWT, '--jwks-url', 'https://forge/keys'],
    '--jwt-key and --jwks-url are two ways to say the same; give one',
  ],
  [['--auth', 'forward'], '--auth forward needs --authorize-url'],
  [['--token-file', tokens], '--token-file does nothing without --auth token'],
  [[...TOKEN, '--jwt-key', secret], '--jwt-key does nothing without --auth jwt'],
  [[...JWT, '--authorize-url', URL], '--authorize-url does nothing without --auth forward'],
  [['--tls-client-ca', cert], '--tls-client-ca needs --tls-key and --tls-cert'],
])('%j is refused', (args, why) => {
  expect(refusal(args)).toBe(why);
});

test.each([
  ['short', 'a secret must have 32 bytes or more'],
  ['{', 'it is no JSON'],
  ['{"keys": [1]}', 'it is no set of keys'],
  ['{"kty": "oct", "k": "c2VjcmV0"}', 'a key in it is a secret'],
  ['{"kty": "EC", "d": "c2VjcmV0"}', 'a key in it is private'],
  ['-----BEGIN CERTIFICATE-----', 'it is no public key and no certificate'],
  [fs.readFileSync(key, 'utf8'), 'it is a private key'],
])('a key file that begins with %.20j is refused, and nothing of it is repeated', (content, why) => {
  const file = path.join(directory, 'bad');
  fs.writeFileSync(file, content);
  const message = refusal(['--auth', 'jwt', '--jwt-key', file, '--jwt-audience', 'git']);
  expect(message).toContain(`${file} cannot be used: ${why}`);
  expect(message).not.toContain('c2VjcmV0');
});

test.each([
  'http://user:hunter2@forge/{repo}',
  'https://hunter2@forge/{repo}',
  'http://forge/allow?key=hunter2',
])('an address that is refused is not repeated with what may be secret: %s', (address) => {
  const message = refusal(['--auth', 'forward', '--authorize-url', address]);
  expect(message).toContain('--authorize-url');
  expect(message).not.toContain('hunter2');
  expect(refusal([...JWT.slice(0, 2), '--jwks-url', 'https://a:hunter2@forge/']).includes('hunter2')).toBe(
    false,
  );
});

test.each(GUARDED)('%s %s … may be reached by others', (...args) => {
  const { host, metricsHost } = read([...args, '--host', '0.0.0.0', '--metrics-host', '::']);
  expect({ host, metricsHost }).toEqual({ host: '0.0.0.0', metricsHost: '::' });
});

test.each(GUARDED)('beside %s %s … git:// is a hole that must be meant', (...args) => {
  expect(refusal([...args, '--git-port', '0'])).toContain('--git-port cannot ask who a client is');
  expect(read([...args, '--git-port', '0', '--insecure-allow-anonymous']).gitPort).toBe(0);
});

test.each(GUARDED)('with %s %s … bundles are for no shared cache', (...args) => {
  expect(refusal([...args, '--bundle-caching', 'public'])).toContain('--bundle-caching public');
});

test('a hole that is meant is warned of at the start', async () => {
  const holes = ['--git-port', '0', '--insecure-allow-anonymous', '--metrics-host', '0.0.0.0'];
  const { log } = await startService(directory, ['--workers', '1', ...TOKEN, ...holes]);
  const warnings = log.filter(({ level }) => level === 40).map(({ msg }) => msg);
  expect(warnings).toEqual([expect.stringContaining('git://'), expect.stringContaining('metrics')]);
});
