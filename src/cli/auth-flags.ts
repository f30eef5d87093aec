/** The flags of `packhorse serve` that say who may fetch. */
import type { Flag } from './flags.ts';

export const AUTH_FLAGS = [
  {
    name: 'tls-client-ca',
    value: 'FILE',
    help: 'certificates (PEM) of those who sign the certificates that clients must then have, beside what --auth asks for',
  },
  {
    name: 'auth',
    value: 'none|token|jwt|forward',
    help: 'how clients show over HTTP what they may fetch: not at all, with a token of the token file, with a signed token that names repositories, or by asking the forge',
    default: 'none',
  },
  {
    name: 'token-file',
    value: 'FILE',
    help: 'for token: names and hashes of tokens, as packhorse token new writes them; read again when it changes',
  },
  {
    name: 'jwt-key',
    value: 'FILE',
    help: 'for jwt: what tokens are checked with: a public key or certificate (PEM), a JWK or a set of them (JSON), or else a secret of 32 bytes or more; read again when it changes',
  },
  {
    name: 'jwks-url',
    value: 'URL',
    help: 'for jwt: where such a set is, in place of a file',
  },
  {
    name: 'jwt-audience',
    value: 'TEXT',
    help: 'for jwt: what the claim aud of tokens must have',
  },
  {
    name: 'authorize-url',
    value: 'URL',
    help: 'for forward: where the forge is asked who may fetch; {repo} and {service} in it are filled in',
  },
  {
    name: 'authorize-timeout',
    value: 'MILLISECONDS',
    help: 'for forward: until the forge must have answered; after that the client is refused',
    default: '5000',
  },
  {
    name: 'authorize-cache',
    value: 'SECONDS',
    help: 'for forward: for which the forge is not asked again who has been allowed; 0: it is always asked',
    default: '10',
  },
] as const satisfies readonly Flag[];
