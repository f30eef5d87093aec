/** From flags and environment to one validated configuration. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { defaultCacheDirectory } from '../cache-directory.ts';
import { ControlGroup } from '../front/pressure/control-group.ts';
import { processors } from '../front/pressure/processors.ts';
import { isGuarded, type ServiceOptions } from '../front/service.ts';
import { readAuth } from './auth-config.ts';
import { ConfigError, type FlagName, type GivenValue, readFlags } from './flags.ts';
import { readTracing } from './tracing-config.ts';
import {
  directoryProblem,
  MAX_WORKERS,
  readAddress,
  readAssignment,
  readBucket,
  readBytes,
  readCacheDirectory,
  readCaching,
  readCertificates,
  readCount,
  readDirectory,
  readEndpoint,
  readFile,
  readLevel,
  readLimit,
  readMilliseconds,
  readNamespace,
  readOnOff,
  readPort,
  readRefusal,
  readRegion,
  readSeconds,
  readShare,
  readSize,
  readSubnets,
  readSwitch,
  readWorkers,
} from './values.ts';

export interface ServeConfig extends ServiceOptions {
  readonly logLevel: string;
  readonly insecureAllowAnonymous: boolean;
  /** Whether `root` was chosen by no one, so that a demo may be put there. */
  readonly rootIsDefault: boolean;
}

const DEFAULT_ROOT = 'repos';

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

  const readSharedCache = (): ServeConfig['sharedCache'] => {
    const bucket = maybe('shared-cache-url', readBucket);
    const others = {
      endpoint: maybe('shared-cache-endpoint', readEndpoint),
      region: maybe('shared-cache-region', readRegion),
      firstByte: one('shared-cache-first-byte', readMilliseconds),
      wait: one('shared-cache-wait', readMilliseconds),
    };
    return bucket && { ...bucket, ...others };
  };

  const insecureAllowAnonymous = maybe('insecure-allow-anonymous', readSwitch) ?? false;
  const auth = readAuth(maybe);
  const tls = readTls(
    maybe('tls-key', readFile),
    maybe('tls-cert', readFile),
    maybe('tls-client-ca', readCertificates),
  );
  const isOpen = insecureAllowAnonymous || isGuarded({ auth, tls });
  const readHost = (value: GivenValue) => readAddress(value, isOpen);
  const root = maybe('root', readDirectory);
  const workers = maybe('workers', readWorkers) ?? defaultWorkers();
  const config: ServeConfig = {
    root: root ?? path.resolve(DEFAULT_ROOT),
    rootIsDefault: root === undefined,
    allowPaths: (values.get('allow-path') ?? []).map(readDirectory),
    gitConfig: (values.get('git-config') ?? []).map(readAssignment),
    namespace: maybe('namespace', readNamespace),
    requireExportOk: maybe('require-export-ok', readSwitch) ?? false,
    host: one('host', readHost),
    port: one('port', readPort),
    auth,
    dumbHttp: maybe('dumb-http', readSwitch) ?? false,
    tls,
    gitPort: maybe('git-port', readPort),
    metricsHost: one('metrics-host', readHost),
    metricsPort: one('metrics-port', readPort),
    workers,
    maxRequestBytes: one('max-request-size', readBytes),
    indexMemory: one('index-memory', readBytes),
    memoryLimit: maybe('memory-limit', readBytes),
    memoryWarnRatio: one('memory-warn-ratio', readShare),
    adaptiveLimits: one('adaptive-limits', readOnOff),
    cacheDir: maybe('cache-dir', readCacheDirectory) ?? defaultCacheDirectory(environment),
    ownBitmaps: one('own-bitmaps', readOnOff),
    cacheSize: one('cache-size', readSize),
    cacheMinUses: one('cache-min-uses', readLimit),
    bundles: one('bundles', readOnOff),
    bundleMinClones: one('bundle-min-clones', readLimit),
    bundleSize: one('bundle-size', readBytes),
    bundleCaching: one('bundle-caching', readCaching),
    sharedCache: readSharedCache(),
    limits: {
      clone: maybe('clone-limit', readLimit) ?? 4 * workers,
      fetch: maybe('fetch-limit', readLimit) ?? 8 * workers,
      light: maybe('light-limit', readLimit) ?? 32 * workers,
    },
    perRepository: one('repository-limit', readCount),
    perClient: one('client-limit', readCount),
    queue: one('queue', readCount),
    queueWait: one('queue-wait', readSeconds),
    refuseWith: one('refuse-with', readRefusal),
    trustedProxies: maybe('trusted-proxies', readSubnets) ?? [],
    streamWindow: one('stream-window', readBytes),
    inflightMemory: one('inflight-memory', readBytes),
    hangTimeout: one('hang-timeout', readSeconds),
    requestMemory: one('request-memory', readBytes),
    timeouts: {
      idle: one('idle-timeout', readSeconds),
      negotiation: one('negotiation-timeout', readSeconds),
      stall: one('stall-timeout', readSeconds),
    },
    drainDelay: one('drain-delay', readSeconds),
    drainTimeout: one('drain-timeout', readSeconds),
    tracing: readTracing(maybe('otlp-url', readEndpoint), environment),
    logLevel: one('log-level', readLevel),
    insecureAllowAnonymous,
  };
  if (config.sharedCache && config.cacheSize === 0) {
    throw new ConfigError('--shared-cache-url needs a local cache: --cache-size must not be 0');
  }
  if (isGuarded(config)) checkGuarded(config);
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

/** What would give away what is asked for elsewhere. */
function checkGuarded({ gitPort, bundleCaching, insecureAllowAnonymous }: ServeConfig): void {
  if (gitPort !== undefined && !insecureAllowAnonymous) {
    throw new ConfigError(
      '--git-port cannot ask who a client is, so anyone could fetch everything there; add --insecure-allow-anonymous if that is meant',
    );
  }
  if (bundleCaching === 'public') {
    throw new ConfigError(
      '--bundle-caching public would have shared caches give bundles to everyone; it is for services where no one is asked who they are',
    );
  }
}

function checkDefaultRoot(root: string): void {
  if (!fs.lstatSync(root, { throwIfNoEntry: false })) return;
  const problem = directoryProblem(root);
  if (problem) throw new ConfigError(`./${DEFAULT_ROOT} ${problem}; say what to serve with --root DIR`);
}

function readTls(
  key: Buffer | undefined,
  cert: Buffer | undefined,
  clientCa: Buffer | undefined,
): ServeConfig['tls'] {
  if (clientCa && !key && !cert) throw new ConfigError('--tls-client-ca needs --tls-key and --tls-cert');
  if (!key && !cert) return undefined;
  if (!key || !cert) throw new ConfigError('--tls-key and --tls-cert belong together');
  try {
    tls.createSecureContext({ key, cert });
  } catch (error) {
    throw new ConfigError(`--tls-key and --tls-cert cannot be used: ${(error as Error).message}`);
  }
  return { key, cert, clientCa };
}

function defaultWorkers(): number {
  return Math.min(MAX_WORKERS, processors(os.availableParallelism(), ControlGroup.own().cpu().values()));
}
