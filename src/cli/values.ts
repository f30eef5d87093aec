/** What the values of flags may be. Each reader throws a ConfigError that names the flag and what it takes. */
import { X509Certificate } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { configKeyProblem, splitAssignment } from '../config-key.ts';
import type { AuthOptions } from '../front/auth/authorizer.ts';
import { isLoopback, parseSubnets } from '../front/clients.ts';
import { isRefName } from '../ref-name.ts';
import { ConfigError, type GivenValue } from './flags.ts';

export const MAX_WORKERS = 256;
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];
const AUTH_MODES = ['none', 'token', 'jwt', 'forward'] as const;
const SWITCH: Readonly<Record<string, boolean>> = { true: true, '1': true, false: false, '0': false };
/** Far above what any machine bears. */
const MOST_PLACES = 1_000_000;
const MOST_SECONDS = 1_000_000;

function bad({ text, origin }: GivenValue, what: string): ConfigError {
  return new ConfigError(`${origin}: ${text} ${what}`);
}

export function readSwitch(value: GivenValue): boolean {
  const on = Object.hasOwn(SWITCH, value.text) ? SWITCH[value.text] : undefined;
  if (on === undefined) throw bad(value, 'is not one of true, false, 1, 0');
  return on;
}

export function readOnOff(value: GivenValue): boolean {
  if (value.text !== 'on' && value.text !== 'off') throw bad(value, 'is not on or off');
  return value.text === 'on';
}

/** A directory that may be written to, or that can be made when it is needed. */
export function readCacheDirectory(value: GivenValue): string {
  const directory = path.resolve(value.text);
  for (let at = directory; ; at = path.dirname(at)) {
    try {
      fs.accessSync(at, fs.constants.W_OK | fs.constants.X_OK);
      if (!fs.statSync(at).isDirectory()) throw bad(value, 'is not a directory');
      return directory;
    } catch (error) {
      if (error instanceof ConfigError) throw error;
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT') throw bad(value, `cannot be written to (${code})`);
    }
  }
}

/** @param isOpen whether it may be an address that others can reach */
export function readAddress(value: GivenValue, isOpen: boolean): string {
  const address = value.text.toLowerCase();
  if (address !== 'localhost' && !net.isIP(address)) throw bad(value, 'is not an IP address or localhost');
  if (!isOpen && !isLoopback(address)) {
    throw bad(
      value,
      'can be reached by others, and anyone could fetch everything; choose how they show who they are with --auth, or add --insecure-allow-anonymous if that is meant',
    );
  }
  return address;
}

/** A directory that is there and can be read, as a full path. */
export function readDirectory(value: GivenValue): string {
  const directory = path.resolve(value.text);
  const problem = directoryProblem(directory);
  if (problem) throw bad(value, problem);
  return directory;
}

export function directoryProblem(directory: string): string | undefined {
  try {
    if (!fs.statSync(directory).isDirectory()) return 'is not a directory';
    fs.accessSync(directory, fs.constants.R_OK | fs.constants.X_OK);
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'is not a directory: there is nothing there';
    return `cannot be read (${code})`;
  }
}

export function readAuthMode(value: GivenValue): AuthOptions['mode'] {
  const mode = AUTH_MODES.find((name) => name === value.text);
  if (mode) return mode;
  throw bad(value, `is not one of ${AUTH_MODES.join(', ')}`);
}

export function readFile(value: GivenValue): Buffer {
  try {
    return fs.readFileSync(value.text);
  } catch (error) {
    throw bad(value, `cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

/** Certificates, PEM: one or more. */
export function readCertificates(value: GivenValue): Buffer {
  const content = readFile(value);
  try {
    new X509Certificate(content);
    return content;
  } catch {
    throw bad(value, 'has no certificate (PEM)');
  }
}

/** A `key=value` of git's, kept as it is. */
export function readAssignment(value: GivenValue): string {
  const problem = configKeyProblem(splitAssignment(value.text).key);
  if (problem) throw bad(value, `cannot be set: ${problem}`);
  return value.text;
}

export function readNamespace(value: GivenValue): string {
  if (isRefName(`refs/namespaces/${value.text}`)) return value.text;
  throw bad(value, 'is no namespace of refs, such as a or a/b');
}

export function readPort(value: GivenValue): number {
  return wholeNumber(value, 0, 65535);
}

export function readWorkers(value: GivenValue): number {
  return wholeNumber(value, 1, MAX_WORKERS);
}

function wholeNumber(value: GivenValue, least: number, most: number): number {
  const number = /^\d+$/.test(value.text) ? Number(value.text) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw bad(value, `is not a whole number from ${least} to ${most}`);
}

const UNITS = ['', 'k', 'm', 'g'];

/** {@link readBytes}, or 0. */
export function readSize(value: GivenValue): number {
  return value.text === '0' ? 0 : readBytes(value);
}

export function readBytes(value: GivenValue): number {
  const match = /^(\d+)([kmg]?)$/.exec(value.text.toLowerCase());
  const number = match ? Number(match[1]) * 1024 ** UNITS.indexOf(match[2]) : 0;
  if (number > 0 && Number.isSafeInteger(number)) return number;
  throw bad(value, 'is not a number of bytes above 0, such as 64m');
}

export function readShare(value: GivenValue): number {
  const number = /^(?:\d+\.?\d*|\.\d+)$/.test(value.text) ? Number(value.text) : Number.NaN;
  if (number > 0 && number <= 1) return number;
  throw bad(value, 'is not a share above 0 and at most 1, such as 0.85');
}

export function readLevel(value: GivenValue): string {
  if (LOG_LEVELS.includes(value.text)) return value.text;
  throw bad(value, `is not one of ${LOG_LEVELS.join(', ')}`);
}

/** A number of places, 0 for none or for no limit. */
export function readCount(value: GivenValue): number {
  return wholeNumber(value, 0, MOST_PLACES);
}

export function readLimit(value: GivenValue): number {
  return wholeNumber(value, 1, MOST_PLACES);
}

/** Seconds, 0 for none or for no limit. */
export function readSeconds(value: GivenValue): number {
  return wholeNumber(value, 0, MOST_SECONDS);
}

const MOST_MILLISECONDS = 3_600_000;

export function readMilliseconds(value: GivenValue): number {
  return wholeNumber(value, 1, MOST_MILLISECONDS);
}

/** A bucket, and what stands before the names in it: nothing, or something that ends with /. */
export function readBucket(value: GivenValue): { bucket: string; prefix: string } {
  const [, bucket, rest = ''] =
    /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([\w!.*'()/-]*))?$/.exec(value.text) ?? [];
  if (bucket === undefined) throw bad(value, 'is not a bucket and a prefix, such as s3://bucket/packs');
  const prefix = rest.replace(/\/*$/, '/');
  return { bucket, prefix: prefix === '/' ? '' : prefix };
}

/** An address alone. What else it has may be secret, so it is not repeated. */
export function readEndpoint(value: GivenValue): string {
  const url = URL.canParse(value.text) ? new URL(value.text) : undefined;
  if (url?.username || url?.password || url?.search) {
    throw bad(
      { ...value, text: `${url.protocol}//…` },
      'has more than an address; credentials come from the environment',
    );
  }
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return value.text;
  throw bad(value, 'is not an address, such as https://host.example.com');
}

/**
 * An address of the forge's, with `{repo}` in its path or its query. A query may be secret, so it is not repeated.
 */
export function readAuthorizeUrl(value: GivenValue): string {
  const { text } = value;
  const shown = { ...value, text: text.replace(/\?.*/s, '?…') };
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.username || url?.password) {
    throw bad(
      { ...value, text: `${url.protocol}//…` },
      'has a name or a password, which the forge is not sent',
    );
  }
  if (!/^https?:\/\/[^/?#{}]+[/?]/.test(text) || url === undefined) {
    throw bad(shown, 'is not an address, such as http://forge:3000/authorize?repo={repo}');
  }
  if (!text.includes('{repo}')) throw bad(shown, 'does not say with {repo} where the repository goes');
  return text;
}

/** The address of a set of keys. */
export function readKeysUrl(value: GivenValue): string {
  const url = URL.canParse(value.text) ? new URL(value.text) : undefined;
  if (url?.username || url?.password || url?.search) {
    throw bad(
      { ...value, text: `${url.protocol}//…` },
      'has more than an address, which keys that all may see do not need',
    );
  }
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return value.text;
  throw bad(value, 'is not an address, such as https://forge.example.com/keys.json');
}

export function readAudience(value: GivenValue): string {
  if (/\s/.test(value.text)) throw bad(value, 'is no name of an audience: it has a space');
  return value.text;
}

export function readRegion(value: GivenValue): string {
  if (/^[a-z0-9-]{1,64}$/.test(value.text)) return value.text;
  throw bad(value, 'is not the name of a region, such as eu-central-1');
}

export function readRefusal(value: GivenValue): 'err' | '429' {
  if (value.text === 'err' || value.text === '429') return value.text;
  throw bad(value, 'is not err or 429');
}

export function readCaching(value: GivenValue): 'private' | 'public' {
  if (value.text === 'private' || value.text === 'public') return value.text;
  throw bad(value, 'is not private or public');
}

/** Addresses and subnets, parted by commas. */
export function readSubnets(value: GivenValue): readonly string[] {
  const texts = value.text.split(',').map((text) => text.trim());
  try {
    parseSubnets(texts);
    return texts;
  } catch (error) {
    throw bad(value, `cannot be used: ${(error as Error).message}`);
  }
}
