/** From flags to how clients show what they may fetch. */
import path from 'node:path';
import type { AuthOptions } from '../front/auth/authorizer.ts';
import { parseTokens } from '../front/auth/token-file.ts';
import { ConfigError, type FlagName, type GivenValue } from './flags.ts';
import { readFile, readMode } from './values.ts';

/** Looks a flag up: its value, checked; undefined where there is none. */
type Maybe = <T>(name: FlagName, check: (value: GivenValue) => T) => T | undefined;

/** Which mode each flag belongs to. */
const FLAGS_OF: Readonly<Partial<Record<FlagName, AuthOptions['mode']>>> = {
  'token-file': 'token',
};

/** @throws ConfigError */
export function readAuth(maybe: Maybe): AuthOptions {
  const mode = maybe('auth', readMode)!;
  for (const [name, of] of Object.entries(FLAGS_OF) as [FlagName, AuthOptions['mode']][]) {
    if (of !== mode) maybe(name, ({ origin }) => refuseFlag(origin, of));
  }
  const need = <T>(name: FlagName, check: (value: GivenValue) => T): T => {
    const value = maybe(name, check);
    if (value === undefined) throw new ConfigError(`--auth ${mode} needs --${name}`);
    return value;
  };
  switch (mode) {
    case 'none':
      return { mode };
    case 'token':
      return { mode, tokenFile: need('token-file', readTokenFile) };
  }
}

/** Else it would seem that someone is asked who is not. */
function refuseFlag(origin: string, mode: string): never {
  throw new ConfigError(`${origin} does nothing without --auth ${mode}`);
}

function readTokenFile(value: GivenValue): string {
  const content = readFile(value);
  try {
    parseTokens(content.toString());
  } catch (error) {
    throw new ConfigError(`${value.origin}: ${value.text} cannot be used: ${(error as Error).message}`);
  }
  return path.resolve(value.text);
}
