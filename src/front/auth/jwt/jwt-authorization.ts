/** Authorization by signed tokens (JWT), which say themselves which repositories they are for. */
import { errors, type JWTPayload, jwtVerify } from 'jose';
import { authorizationUnavailable, notAllowed, unauthenticated } from '../../../errors.ts';
import { type Authorize, plainSubject } from '../access.ts';
import { tokenIn } from '../credentials.ts';
import { ReloadedFile } from '../reloaded-file.ts';
import { type JwtKeys, keysAt, parseKeys } from './keys.ts';
import { globsOf, isCovered } from './repository-globs.ts';

export interface JwtOptions {
  /** A file, which is read again when it changes, or the address of a set. */
  readonly keys: { readonly file: string } | { readonly url: string };
  /** What the claim `aud` must have. */
  readonly audience: string;
}

/** Seconds by which clocks may differ. */
const TOLERANCE = 5;
const CLAIM = 'repositories';

/** What is wrong with the token, not with the keys. */
const REFUSALS: readonly string[] = [
  errors.JWTExpired,
  errors.JWTClaimValidationFailed,
  errors.JWTInvalid,
  errors.JWSInvalid,
  errors.JWSSignatureVerificationFailed,
  errors.JOSEAlgNotAllowed,
  errors.JOSENotSupported,
  errors.JWKSNoMatchingKey,
  errors.JWKSMultipleMatchingKeys,
].map(({ code }) => code);

export function jwtAuthorization({ keys, audience }: JwtOptions): Authorize {
  const findKeys = keySource(keys);
  return async ({ repository, authorization }) => {
    const token = tokenIn(authorization);
    if (token === undefined) throw unauthenticated('no token was sent');
    const payload = await verify(token, await findKeys(), audience);
    const subject: unknown = payload.sub;
    // jose does not look at it (RFC 7519, section 4.1.2).
    if (subject !== undefined && typeof subject !== 'string')
      throw unauthenticated('the claim sub is no string');
    const globs = globsOf(payload[CLAIM]);
    if (!globs) throw unauthenticated(`the claim ${CLAIM} is no list of globs`);
    if (!isCovered(repository, globs)) throw notAllowed(repository);
    return { repository, subject: plainSubject(subject) };
  };
}

function keySource(keys: JwtOptions['keys']): () => Promise<JwtKeys> {
  if ('url' in keys) {
    const remote = keysAt(keys.url);
    return async () => remote;
  }
  const file = new ReloadedFile(keys.file, parseKeys);
  return () =>
    file.value().catch((error: Error) => {
      throw authorizationUnavailable(`the key file cannot be used: ${error.message}`);
    });
}

async function verify(token: string, { find, algorithms }: JwtKeys, audience: string): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, find, {
      algorithms: [...algorithms],
      audience,
      requiredClaims: ['exp', CLAIM],
      clockTolerance: TOLERANCE,
    });
    return payload;
  } catch (error) {
    throw asRefusal(error);
  }
}

function asRefusal(error: unknown): Error {
  const { code = '', claim, cause } = error as { code?: string; claim?: string; cause?: { code?: string } };
  // Messages of others are left out: they might quote the token.
  if (REFUSALS.includes(code))
    return unauthenticated(`the token is refused: ${claim ? `${claim}, ` : ''}${code}`);
  const why = cause?.code ?? (code || (error as Error).name);
  return authorizationUnavailable(`the keys of tokens cannot be had: ${why}`);
}
