/** From flags and environment to one validated configuration. */
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { defaultCacheDirectory } from '../cache-directory.ts';
import { configKeyProblem, splitAssignment } from '../config-key.ts';
import type { ServiceOptions } from '../front/service.ts';
import { isRefName } from '../ref-name.ts';
import { ConfigError, type FlagName, type GivenValue, readFlags } from './flags.ts';

export interface ServeConfig extends ServiceOptions {
  readonly logLevel: string;
  readonly insecureAllowAnonymous: boolean;
  /** Whether `root` was chosen by no one, so that a demo may be put there. */
  readonly rootIsDefault: boolean;
}

const DEFAULT_ROOT = 'repos';
const MAX_WORKERS = 256;
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];
const SWITCH: Readonly<Record<string, boolean>> = { true: true, '1': true, false: false, '0': false };

/**
 * @param args what stands behind `serve`
 * @throws ConfigError
 */
export function readServeConfig(args: readonly string[], environment: NodeJS.ProcessEnv): ServeConfig {
  const values = readFlags(args, environment);
  /** The last value given, checked; undefined where there is none. */
  const maybe = <T>(name: FlagName, check: (value: GivenValue) => T): T | undefined => {
    const value = values.get(name)?.at(-1);
    return value && check(value);
  };
  /** For flags that have a default. */
  const one = <T>(name: FlagName, check: (value: GivenValue) => T): T => maybe(name, check) as T;

  const insecureAllowAnonymous = maybe('insecure-allow-anonymous', readSwitch) ?? false;
  const readHost = (value: GivenValue) => readAddress(value, insecureAllowAnonymous);
  const root = maybe('root', readDirectory);
  const config: ServeConfig = {
    root: root ?? path.resolve(DEFAULT_ROOT),
    rootIsDefault: root === undefined,
    allowPaths: (values.get('allow-path') ?? []).map(readDirectory),
    gitConfig: (values.get('git-config') ?? []).map(readAssignment),
    namespace: maybe('namespace', readNamespace),
    requireExportOk: maybe('require-export-ok', readSwitch) ?? false,
    host: one('host', readHost),
    port: one('port', readPort),
    dumbHttp: maybe('dumb-http', readSwitch) ?? false,
    tls: readTls(maybe('tls-key', readFile), maybe('tls-cert', readFile)),
    gitPort: maybe('git-port', readPort),
    metricsHost: one('metrics-host', readHost),
    metricsPort: one('metrics-port', readPort),
    workers: maybe('workers', readWorkers) ?? Math.min(MAX_WORKERS, os.availableParallelism()),
    maxRequestBytes: one('max-request-size', readBytes),
    indexMemory: one('index-memory', readBytes),
    memoryLimit: maybe('memory-limit', readBytes),
    memoryWarnRatio: one('memory-warn-ratio', readShare),
    cacheDir: maybe('cache-dir', readCacheDirectory) ?? defaultCacheDirectory(environment),
    ownBitmaps: one('own-bitmaps', readOnOff),
    logLevel: one('log-level', readLevel),
    insecureAllowAnonymous,
  };
  if (root === undefined) checkDefaultRoot(config.root);
  const { host, port, gitPort, metricsHost, metricsPort } = config;
  if (port !== 0 && port === metricsPort && host === metricsHost) {
    throw new ConfigError(`--metrics-port ${metricsPort} is what --port is; they need one each`);
  }
  if (gitPort && (gitPort === port || (gitPort === metricsPort && host === metricsHost))) {
    throw new ConfigError(`--git-port ${gitPort} is what another door has; they need one each`);
  }
  return config;
}

/** Whether only this machine can reach an address. */
export function isLoopback(address: string): boolean {
  if (address === 'localhost') return true;
  const family = net.isIP(address);
  // A zone says which interface, so an address with one is not taken for this machine's own.
  return family !== 0 && !address.includes('%') && LOOPBACK.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

const LOOPBACK = new net.BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

function bad({ text, origin }: GivenValue, what: string): ConfigError {
  return new ConfigError(`${origin}: ${text} ${what}`);
}

function readSwitch(value: GivenValue): boolean {
  const on = Object.hasOwn(SWITCH, value.text) ? SWITCH[value.text] : undefined;
  if (on === undefined) throw bad(value, 'is not one of true, false, 1, 0');
  return on;
}

function readOnOff(value: GivenValue): boolean {
  if (value.text !== 'on' && value.text !== 'off') throw bad(value, 'is not on or off');
  return value.text === 'on';
}

/** A directory that may be written to, or that can be made when it is needed. */
function readCacheDirectory(value: GivenValue): string {
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

function readAddress(value: GivenValue, insecureAllowAnonymous: boolean): string {
  const address = value.text.toLowerCase();
  if (address !== 'localhost' && !net.isIP(address)) throw bad(value, 'is not an IP address or localhost');
  if (!insecureAllowAnonymous && !isLoopback(address)) {
    throw bad(
      value,
      'can be reached by others, and anyone could fetch everything; add --insecure-allow-anonymous if that is meant',
    );
  }
  return address;
}

/** A directory that is there and can be read, as a full path. */
function readDirectory(value: GivenValue): string {
  const directory = path.resolve(value.text);
  const problem = directoryProblem(directory);
  if (problem) throw bad(value, problem);
  return directory;
}

function checkDefaultRoot(root: string): void {
  if (!fs.lstatSync(root, { throwIfNoEntry: false })) return;
  const problem = directoryProblem(root);
  if (problem) throw new ConfigError(`./${DEFAULT_ROOT} ${problem}; say what to serve with --root DIR`);
}

function directoryProblem(directory: string): string | undefined {
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

function readFile(value: GivenValue): Buffer {
  try {
    return fs.readFileSync(value.text);
  } catch (error) {
    throw bad(value, `cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

function readTls(key: Buffer | undefined, cert: Buffer | undefined): ServeConfig['tls'] {
  if (!key && !cert) return undefined;
  if (!key || !cert) throw new ConfigError('--tls-key and --tls-cert belong together');
  try {
    tls.createSecureContext({ key, cert });
  } catch (error) {
    throw new ConfigError(`--tls-key and --tls-cert cannot be used: ${(error as Error).message}`);
  }
  return { key, cert };
}

/** A `key=value` of git's, kept as it is. */
function readAssignment(value: GivenValue): string {
  const problem = configKeyProblem(splitAssignment(value.text).key);
  if (problem) throw bad(value, `cannot be set: ${problem}`);
  return value.text;
}

function readNamespace(value: GivenValue): string {
  if (isRefName(`refs/namespaces/${value.text}`)) return value.text;
  throw bad(value, 'is no namespace of refs, such as a or a/b');
}

function readPort(value: GivenValue): number {
  return wholeNumber(value, 0, 65535);
}

function readWorkers(value: GivenValue): number {
  return wholeNumber(value, 1, MAX_WORKERS);
}

function wholeNumber(value: GivenValue, least: number, most: number): number {
  const number = /^\d+$/.test(value.text) ? Number(value.text) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw bad(value, `is not a whole number from ${least} to ${most}`);
}

const UNITS = ['', 'k', 'm', 'g'];

function readBytes(value: GivenValue): number {
  const match = /^(\d+)([kmg]?)$/.exec(value.text.toLowerCase());
  const number = match ? Number(match[1]) * 1024 ** UNITS.indexOf(match[2]) : 0;
  if (number > 0 && Number.isSafeInteger(number)) return number;
  throw bad(value, 'is not a number of bytes above 0, such as 64m');
}

function readShare(value: GivenValue): number {
  const number = /^(?:\d+\.?\d*|\.\d+)$/.test(value.text) ? Number(value.text) : Number.NaN;
  if (number > 0 && number <= 1) return number;
  throw bad(value, 'is not a share above 0 and at most 1, such as 0.85');
}

function readLevel(value: GivenValue): string {
  if (LOG_LEVELS.includes(value.text)) return value.text;
  throw bad(value, `is not one of ${LOG_LEVELS.join(', ')}`);
}
