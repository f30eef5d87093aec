/** From flags to how clients show what they may fetch. */
import path from 'node:path';
import type { AuthOptions } from '../front/auth/authorizer.ts';
import { parseKeys } from '../front/auth/jwt/keys.ts';
import { parseTokens } from '../front/auth/token-file.ts';
import { ConfigError, type FlagName, type GivenValue } from './flags.ts';
import {
  readAudience,
  readAuthMode,
  readAuthorizeUrl,
  readFile,
  readKeysUrl,
  readMilliseconds,
  readSeconds,
} from './values.ts';

/** Looks a flag up: its value, checked; undefined where there is none. */
type Maybe = <T>(name: FlagName, check: (value: GivenValue) => T) => T | undefined;

/** @throws ConfigError */
export function readAuth(maybe: Maybe): AuthOptions {
  const mode = maybe('auth', readAuthMode)!;
  /** A flag of one mode. With another one it would seem that someone is asked who is not. */
  const of = <T>(its: AuthOptions['mode'], name: FlagName, check: (value: GivenValue) => T) => {
    const value = maybe(name, check);
    if (value !== undefined && its !== mode) {
      throw new ConfigError(`--${name} does nothing without --auth ${its}`);
    }
    return value;
  };
  const need = <T>(name: FlagName, value: T | undefined): T => {
    if (value === undefined)
      throw new ConfigError(`--auth ${mode} needs --${name}${name === 'jwt-key' ? ' or --jwks-url' : ''}`);
    return value;
  };
  const tokenFile = of('token', 'token-file', readTokenFile);
  const keyFile = of('jwt', 'jwt-key', readKeyFile);
  const keysUrl = of('jwt', 'jwks-url', readKeysUrl);
  const audience = of('jwt', 'jwt-audience', readAudience);
  const url = of('forward', 'authorize-url', readAuthorizeUrl);
  const timeout = maybe('authorize-timeout', readMilliseconds)!;
  const cache = maybe('authorize-cache', readSeconds)! * 1000;
  switch (mode) {
    case 'none':
      return { mode };
    case 'token':
      return { mode, tokenFile: need('token-file', tokenFile) };
    case 'jwt': {
      if (keyFile !== undefined && keysUrl !== undefined) {
        throw new ConfigError('--jwt-key and --jwks-url are two ways to say the same; give one');
      }
      const keys = keysUrl !== undefined ? { url: keysUrl } : { file: need('jwt-key', keyFile) };
      return { mode, keys, audience: need('jwt-audience', audience) };
    }
    case 'forward':
      return { mode, url: need('authorize-url', url), timeout, cache };
  }
}

function readTokenFile(value: GivenValue): string {
  return readChecked(value, (content) => parseTokens(content.toString()));
}

function readKeyFile(value: GivenValue): string {
  return readChecked(value, parseKeys);
}

/** The full path of a file whose content is good now. */
function readChecked(value: GivenValue, parse: (content: Buffer) => unknown): string {
  const content = readFile(value);
  try {
    parse(content);
  } catch (error) {
    throw new ConfigError(`${value.origin}: ${value.text} cannot be used: ${(error as Error).message}`);
  }
  return path.resolve(value.text);
}
