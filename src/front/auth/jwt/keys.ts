/** Keys that signed tokens are checked with. */
import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createLocalJWKSet, createRemoteJWKSet, type JWTVerifyGetKey } from 'jose';

export interface JwtKeys {
  /** Finds the key of a token. */
  readonly find: JWTVerifyGetKey;
  /** What it may be signed with: a public key must never be taken for a secret. */
  readonly algorithms: readonly string[];
}

const SECRET = ['HS256', 'HS384', 'HS512'];
const RSA_PSS = ['PS256', 'PS384', 'PS512'];
const RSA = ['RS256', 'RS384', 'RS512', ...RSA_PSS];
const EDWARDS = ['EdDSA', 'Ed25519'];
const CURVES: Readonly<Record<string, string>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
};
const PUBLIC = [...RSA, ...Object.values(CURVES), ...EDWARDS];

/** Bytes: what HS256 needs (RFC 7518, section 3.2). */
const LEAST_SECRET = 32;
/** Bits. */
const LEAST_RSA = 2048;

/** Milliseconds that an answer may take, and between two questions for a key that is not known. */
const ANSWER = 5000;
const COOL_DOWN = 30_000;

/**
 * The keys in a file: a public key or certificate (PEM), a JWK or a set of them (JSON), or else a secret, the line end
 * behind it left out.
 * @throws Error with a reason that repeats nothing of the file
 */
export function parseKeys(content: Buffer): JwtKeys {
  const text = content.toString().trim();
  if (text.startsWith('{')) return keysOfSet(text);
  if (text.includes('-----BEGIN')) return keyOfPem(text);
  if (isKeyInOtherForm(content)) {
    throw new Error('it is a key in a form that is not read; give it as PEM, or as a JWK or a set of them');
  }
  const secret = Buffer.from(content.toString('latin1').replace(/\r?\n$/, ''), 'latin1');
  if (secret.length < LEAST_SECRET) throw new Error(`a secret must have ${LEAST_SECRET} bytes or more`);
  return { find: async () => secret, algorithms: SECRET };
}

/** Whether everyone knows what is in it: taken for a secret, it would let everyone sign tokens. */
function isKeyInOtherForm(content: Buffer): boolean {
  const text = content.toString('latin1').trim();
  if (/^(?:ssh-|ecdsa-|sk-|----|\[|<)/.test(text)) return true;
  return [content, Buffer.from(text, 'base64')].some((key) =>
    PUBLIC_FORMS.some((read) => {
      try {
        read(key);
        return true;
      } catch {
        return false;
      }
    }),
  );
}

const PUBLIC_FORMS: readonly ((key: Buffer) => unknown)[] = [
  (key) => createPublicKey({ key, format: 'der', type: 'spki' }),
  (key) => createPublicKey({ key, format: 'der', type: 'pkcs1' }),
  (key) => new X509Certificate(key),
];

/** The keys at an address, which are asked for when they are needed, and kept for ten minutes. */
export function keysAt(url: string): JwtKeys {
  const find = createRemoteJWKSet(new URL(url), { timeoutDuration: ANSWER, cooldownDuration: COOL_DOWN });
  return { find, algorithms: PUBLIC };
}

function keyOfPem(text: string): JwtKeys {
  if (text.includes('PRIVATE KEY'))
    throw new Error('it is a private key; whoever checks tokens needs the public one');
  const key = publicKey(text);
  return { find: async () => key, algorithms: algorithmsOf(key) };
}

function publicKey(pem: string): KeyObject {
  try {
    return createPublicKey(pem);
  } catch {
    throw new Error('it is no public key and no certificate');
  }
}

function algorithmsOf({
  asymmetricKeyType: kind,
  asymmetricKeyDetails: details,
}: KeyObject): readonly string[] {
  if ((details?.modulusLength ?? LEAST_RSA) < LEAST_RSA) {
    throw new Error(`an RSA key must have ${LEAST_RSA} bits or more`);
  }
  if (kind === 'rsa') return RSA;
  if (kind === 'rsa-pss') return RSA_PSS;
  if (kind === 'ed25519') return EDWARDS;
  const curve = kind === 'ec' ? CURVES[details?.namedCurve ?? ''] : undefined;
  if (!curve) throw new Error(`tokens are not signed with a key of kind ${kind}`);
  return [curve];
}

function keysOfSet(text: string): JwtKeys {
  const keys = listOf(text);
  for (const key of keys) {
    if (typeof key !== 'object' || key === null || !('kty' in key)) throw new Error('it is no set of keys');
    if (key.kty === 'oct') throw new Error('a key in it is a secret; a secret goes into a file of its own');
    if ('d' in key) throw new Error('a key in it is private; whoever checks tokens needs the public one');
  }
  return { find: createLocalJWKSet({ keys }), algorithms: PUBLIC };
}

/** The keys of a set; a lone key is a set of one. */
function listOf(text: string) {
  try {
    const parsed = JSON.parse(text);
    return Array.isArray(parsed.keys) ? parsed.keys : [parsed];
  } catch {
    throw new Error('it is no JSON');
  }
}
