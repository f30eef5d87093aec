/** From flags and environment to one validated configuration. A flag wins over its environment variable. */
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { ServiceOptions } from '../front/service.ts';
import { environmentName, type Flag, SERVE_FLAGS } from './flags.ts';

export interface ServeConfig extends ServiceOptions {
  readonly logLevel: string;
  /** Whether `root` was chosen by no one, so that a demo may be put there. */
  readonly rootIsDefault: boolean;
}

/** A configuration that cannot be used; the message is one line for the person who wrote it. */
export class ConfigError extends Error {}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/**
 * @param args what stands behind `serve`
 * @throws ConfigError
 */
export function readServeConfig(args: readonly string[], environment: NodeJS.ProcessEnv): ServeConfig {
  const values = collect(args, environment);
  const one = (name: string) => values.get(name)?.at(-1);
  const host = address(one('host')!, 'host');
  const metricsHost = address(one('metrics-host')!, 'metrics-host');
  if (one('insecure-allow-anonymous') !== 'true') {
    refuseOpen(host, 'host');
    refuseOpen(metricsHost, 'metrics-host');
  }
  const rootIsDefault = one('root') === undefined;
  return {
    root: directory(one('root') ?? './repos', 'root', rootIsDefault),
    rootIsDefault,
    allowPaths: (values.get('allow-path') ?? []).map((value) => directory(value, 'allow-path', false)),
    host,
    port: wholeNumber(one('port')!, 'port', 0, 65535),
    metricsHost,
    metricsPort: wholeNumber(one('metrics-port')!, 'metrics-port', 0, 65535),
    workers: wholeNumber(one('workers') ?? String(os.availableParallelism()), 'workers', 1, 256),
    maxRequestBytes: bytes(one('max-request-size')!, 'max-request-size'),
    memoryLimit: optional(one('memory-limit'), (value) => bytes(value, 'memory-limit')),
    memoryWarnRatio: share(one('memory-warn-ratio')!, 'memory-warn-ratio'),
    logLevel: oneOf(one('log-level')!, 'log-level', LOG_LEVELS),
  };
}

/** All values given, by flag: from the command line, else the environment, else the default (but for `root`). */
function collect(args: readonly string[], environment: NodeJS.ProcessEnv): Map<string, string[]> {
  const options = Object.fromEntries(
    SERVE_FLAGS.map((flag: Flag) => [
      flag.name,
      { type: flag.value ? ('string' as const) : ('boolean' as const), multiple: true },
    ]),
  );
  let given: Record<string, unknown>;
  try {
    given = parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new ConfigError(`${(error as Error).message.split('. ')[0]}; see packhorse serve --help`);
  }
  const values = new Map<string, string[]>();
  for (const flag of SERVE_FLAGS as readonly Flag[]) {
    const fromEnvironment = environment[environmentName(flag)];
    if (given[flag.name] !== undefined) values.set(flag.name, (given[flag.name] as unknown[]).map(String));
    else if (fromEnvironment) {
      values.set(flag.name, flag.many ? fromEnvironment.split(':') : [switchValue(flag, fromEnvironment)]);
    } else if (flag.default !== undefined && flag.name !== 'root') values.set(flag.name, [flag.default]);
  }
  return values;
}

function switchValue(flag: Flag, text: string): string {
  if (flag.value) return text;
  return oneOf(text, environmentName(flag), ['true', 'false', '1', '0'])
    .replace('1', 'true')
    .replace('0', 'false');
}

function directory(value: string, name: string, mayBeMissing: boolean): string {
  const resolved = path.resolve(value);
  const stat = fs.statSync(resolved, { throwIfNoEntry: false });
  if (stat ? !stat.isDirectory() : !mayBeMissing) {
    throw new ConfigError(`--${name}: ${value} is not a directory`);
  }
  return resolved;
}

function address(value: string, name: string): string {
  if (value === 'localhost' || net.isIP(value)) return value;
  throw new ConfigError(`--${name}: ${value} is not an IP address`);
}

function refuseOpen(host: string, name: string): void {
  if (host === 'localhost' || host === '::1' || host.startsWith('127.')) return;
  throw new ConfigError(
    `--${name} ${host} can be reached by others, and anyone could fetch everything: add --insecure-allow-anonymous if that is meant`,
  );
}

function wholeNumber(value: string, name: string, least: number, most: number): number {
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new ConfigError(`--${name}: ${value} is not a whole number from ${least} to ${most}`);
}

function bytes(value: string, name: string): number {
  const match = /^(\d+)([kmg]?)$/i.exec(value);
  const unit = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 }[
    (match?.[2] ?? '').toLowerCase() as '' | 'k' | 'm' | 'g'
  ];
  if (match && Number(match[1]) > 0) return Number(match[1]) * unit;
  throw new ConfigError(`--${name}: ${value} is not a number of bytes such as 64m`);
}

function share(value: string, name: string): number {
  const number = value.trim() === '' ? Number.NaN : Number(value);
  if (number > 0 && number <= 1) return number;
  throw new ConfigError(`--${name}: ${value} is not a share between 0 and 1`);
}

function oneOf(value: string, name: string, allowed: readonly string[]): string {
  if (allowed.includes(value)) return value;
  throw new ConfigError(`--${name}: ${value} is not one of ${allowed.join(', ')}`);
}

function optional<T>(value: string | undefined, parse: (value: string) => T): T | undefined {
  return value === undefined ? undefined : parse(value);
}
