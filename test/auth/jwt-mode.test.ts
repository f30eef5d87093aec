/** `--auth jwt`: signed tokens that say which repositories they are for. */

import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { SignJWT } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { parseKeys } from '../../src/front/auth/jwt/keys.ts';
import { expectSameRepository } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { createRepository, History } from '../support/history.ts';
import { send } from '../support/raw-client.ts';
import { type RunningService, startService } from '../support/service.ts';
import { listen } from './forge.ts';
import { bearer, tryClone, wholeLog, withHeader, withHelper } from './tokens.ts';

const root = temporaryDirectory();
const files = temporaryDirectory();
const REFS = 'info/refs?service=git-upload-pack';
const secret = randomBytes(32).toString('base64url');
let source: string;

beforeAll(() => {
  source = createRepository(root, 'group/one.git');
  createRepository(root, 'private/two.git');
  const history = new History();
  history.commit({ branch: 'main', files: { a: 'a\n' } });
  history.importInto(source);
});

function write(name: string, content: string): string {
  const file = path.join(files, name);
  fs.writeFileSync(file, content);
  return file;
}

const startWith = (flags: readonly string[]) =>
  startService(root, ['--workers', '1', '--auth', 'jwt', '--jwt-audience', 'packhorse', ...flags]);

interface Mint {
  readonly key?: KeyObject | Uint8Array;
  readonly alg?: string;
  readonly kid?: string;
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Seconds from now. */
  readonly expires?: number | undefined;
}

/** Every token made, none of which may be logged. */
const minted: string[] = [];

const now = () => Math.floor(Date.now() / 1000);

/** A good token for `group/*`, but for what is said otherwise; a claim that is undefined is left out. */
async function mint({ key = Buffer.from(secret), alg = 'HS256', kid, claims, expires = 60 }: Mint = {}) {
  const usual = { aud: 'packhorse', sub: 'ann', repositories: ['group/*'], exp: now() + expires };
  const token = await new SignJWT({ ...usual, ...claims })
    .setProtectedHeader({ alg, ...(kid && { kid }) })
    .sign(key);
  minted.push(token);
  return token;
}

const ask = async (service: RunningService, token: string, name = 'group/one.git') =>
  (await send(service, { path: `/${name}/${REFS}`, headers: bearer(token) })).status;

describe('a key is', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const edwards = generateKeyPairSync('ed25519');
  const jwk = (key: KeyObject, kid: string) => ({ ...key.export({ format: 'jwk' }), kid });
  const pem = (key: KeyObject) => key.export({ format: 'pem', type: 'spki' }).toString();
  const set = JSON.stringify({ keys: [jwk(ec.publicKey, 'e'), jwk(edwards.publicKey, 'd')] });

  test.each<[string, string, Mint]>([
    ['a secret', `${secret}\n`, {}],
    ['an RSA key', pem(rsa.publicKey), { key: rsa.privateKey, alg: 'RS256' }],
    ['one of a curve', pem(ec.publicKey), { key: ec.privateKey, alg: 'ES256' }],
    ['one of Edwards', pem(edwards.publicKey), { key: edwards.privateKey, alg: 'EdDSA' }],
    ['a JWK', JSON.stringify(jwk(rsa.publicKey, 'r')), { key: rsa.privateKey, alg: 'PS256', kid: 'r' }],
    ['one of a set', set, { key: edwards.privateKey, alg: 'EdDSA', kid: 'd' }],
  ])('%s in a file', async (name, content, how) => {
    const service = await startWith(['--jwt-key', write(name, content)]);
    const { code, stderr, target } = await tryClone(service, 'group/one.git', withHelper(await mint(how)));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expectSameRepository(target, source);
    // A public key is known to everyone: what is signed with it as a secret must not count.
    const forged = await mint({ key: Buffer.from(content), alg: 'HS256', ...(how.kid && { kid: how.kid }) });
    expect(await ask(service, forged)).toBe(401);
  });

  const der = edwards.publicKey.export({ format: 'der', type: 'spki' });
  test.each<[string, string | Buffer]>([
    ['DER', der],
    ['DER of PKCS #1', rsa.publicKey.export({ format: 'der', type: 'pkcs1' })],
    ['base64 without a frame', `${der.toString('base64')}\n`],
    ['an SSH key', `ssh-ed25519 ${der.toString('base64')} someone@example.com\n`],
    ['an SSH2 key', `---- BEGIN SSH2 PUBLIC KEY ----\n${der.toString('base64')}\n`],
    ['a list of JWKs', JSON.stringify([jwk(ec.publicKey, 'e')])],
  ])('no secret where it is a public one in another form: %s', (_, content) => {
    expect(() => parseKeys(Buffer.from(content))).toThrow('it is a key in a form that is not read');
  });

  test('one of a set at an address, which is asked for once', async () => {
    let asked = 0;
    const server = http.createServer((_, response) => {
      asked++;
      response.end(set);
    });
    const service = await startWith(['--jwks-url', `${await listen(server)}/keys.json`]);
    const token = await mint({ key: ec.privateKey, alg: 'ES256', kid: 'e' });
    expect(await tryClone(service, 'group/one.git', withHeader(bearer(token)))).toMatchObject({ code: 0 });
    expect(await ask(service, await mint({ key: ec.privateKey, alg: 'ES256', kid: 'unknown' }))).toBe(401);
    expect(asked).toBe(1);
  });

  test.each([
    ['answers with an error', (response: http.ServerResponse) => response.writeHead(500).end()],
    ['has no set', (response: http.ServerResponse) => response.end('{"keys": 1}')],
    ['leads elsewhere', (response: http.ServerResponse) => response.writeHead(302, { Location: '/' }).end()],
    ['hangs up', (response: http.ServerResponse) => response.destroy()],
  ])('asked for in vain where the address %s', async (_, answer) => {
    const server = http.createServer((_request, response) => void answer(response));
    const service = await startWith(['--jwks-url', `${await listen(server)}/keys.json`]);
    expect(await ask(service, await mint({ key: ec.privateKey, alg: 'ES256', kid: 'e' }))).toBe(503);
  });

  test('changed with its file, and tokens of the old one are refused', async () => {
    const file = write('changing', secret);
    const service = await startWith(['--jwt-key', file]);
    const old = await mint();
    expect(await ask(service, old)).toBe(200);
    const other = randomBytes(48).toString('base64');
    fs.writeFileSync(file, other);
    expect(await ask(service, old)).toBe(401);
    expect(await ask(service, await mint({ key: Buffer.from(other) }))).toBe(200);
    fs.writeFileSync(file, 'short');
    expect(await ask(service, old)).toBe(503);
  });
});

describe('a token', () => {
  let service: RunningService;
  beforeAll(async () => {
    service = await startWith(['--jwt-key', write('secret', secret), '--log-level', 'trace']);
  });

  test('names who has it', async () => {
    expect(await ask(service, await mint({ claims: { sub: 'ann\nof the forge' } }))).toBe(200);
    const line = await service.logged(({ command }) => command === 'advertise');
    expect(line).toMatchObject({ subject: 'ann of the forge' });
  });

  test.each<[string, Mint]>([
    ['that has expired', { expires: -60 }],
    ['that never expires', { claims: { exp: undefined } }],
    ['that does not hold yet', { claims: { nbf: now() + 3600 } }],
    ['for someone else', { claims: { aud: 'registry' } }],
    ['for no one', { claims: { aud: undefined } }],
    ['of another forge', { key: randomBytes(32) }],
    ['that names no repositories', { claims: { repositories: undefined } }],
    ['whose repositories are no list', { claims: { repositories: '**' } }],
    ['whose repositories are no globs', { claims: { repositories: ['**', 7] } }],
    ['whose subject is a number', { claims: { sub: 7 } }],
    ['whose subject is a list', { claims: { sub: ['ann'] } }],
    ['whose subject is null', { claims: { sub: null } }],
  ])('%s is refused', async (_, how) => {
    const token = await mint(how);
    expect(await ask(service, token)).toBe(401);
    const { code, stderr } = await tryClone(service, 'group/one.git', withHelper(token));
    expect({ code, stderr }).toEqual({ code: 128, stderr: expect.stringContaining('Authentication failed') });
  });

  test('that was changed, or is not signed at all, is refused', async () => {
    const [head, payload, signature] = (await mint()).split('.');
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const all = encode({ aud: 'packhorse', exp: now() + 60, repositories: ['**'] });
    const forged = [
      `${head}.${all}.${signature}`,
      `${encode({ alg: 'none' })}.${all}.`,
      `${head}.${payload}.`,
      'a.b.c',
    ];
    for (const token of [...forged, 'a..c', secret])
      expect([token, await ask(service, token)]).toEqual([token, 401]);
    minted.push(...forged, secret);
  });

  test.each([
    ['group/one', 200],
    ['group/one.git', 200],
    ['group/one.git/.git', 404],
    ['group%2Fone.git', 200],
    ['group/%6fne.git', 200],
    ['GROUP/one.git', 404],
    ['group/../private/two.git', 404],
    ['group/%2e%2e/private/two.git', 404],
    ['group/..%2f..%2fprivate/two.git', 404],
    ['group//one.git', 404],
    ['private/two.git', 404],
    ['private/absent.git', 404],
  ])('for group/*, asked for %s: %i', async (name, status) => {
    expect(await ask(service, await mint(), name)).toBe(status);
  });

  test('says nothing of what it is not for: the same whether it is there', async () => {
    const headers = bearer(await mint());
    const told = async (name: string) => {
      const { status, headers: head, body } = await send(service, { path: `/${name}/${REFS}`, headers });
      return { status, head: { ...head, date: undefined }, body: body.toString() };
    };
    const absent = await told('group/absent.git');
    expect(absent).toMatchObject({ status: 404, body: 'repository not found\n' });
    expect(await told('private/two.git')).toEqual(absent);
    expect(await told('private/absent.git')).toEqual(absent);
  });

  test('is never logged', async () => {
    const text = await wholeLog(service);
    expect(text).toContain('ERR_JWT_EXPIRED');
    expect(text).toContain('the claim sub is no string');
    for (const token of minted.filter((token) => token.length > 10)) {
      expect(text).not.toContain(token);
      expect(text).not.toContain(token.split('.')[1] || token);
    }
  });
});
