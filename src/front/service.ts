/** The service: pool, doors and what watches them, started and stopped as one. */
import fs from 'node:fs';
import type { AddressInfo, Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { createSharedBundles } from '../channel/shared-bundles.ts';
import { createSharedIndexes } from '../channel/shared-indexes.ts';
import { ByteBudget } from '../protocol/byte-budget.ts';
import { ActiveFetches } from './active-fetches.ts';
import { Admission, type AdmissionOptions } from './admission/admission.ts';
import { type AuthOptions, createAuthorize } from './auth/authorizer.ts';
import { BitmapBuilder } from './bitmap-builder.ts';
import { BundleBuilder } from './bundle-builder.ts';
import { isLoopback, parseSubnets } from './clients.ts';
import { Drain } from './drain.ts';
import { logEvents } from './event-log.ts';
import { createGitDoor } from './git-daemon/server.ts';
import { createOperationsServer } from './http/operations.ts';
import type { Caching } from './http/plain-answers.ts';
import { createHttpDoor, type TlsOptions } from './http/server.ts';
import { MemoryWatch } from './memory-watch.ts';
import { createMetrics } from './metrics/metrics.ts';
import { WorkerPool } from './pool.ts';
import { ControlGroup } from './pressure/control-group.ts';
import { LimitController } from './pressure/limit-controller.ts';
import { MemoryGuard } from './pressure/memory-guard.ts';
import { MemoryMeasure } from './pressure/memory-use.ts';
import { cpuSignal, loopSignal, memorySignal } from './pressure/signals.ts';
import type { Serving } from './serving.ts';
import { FetchHistory } from './status/fetch-history.ts';
import { StreamBudget } from './stream-budget.ts';
import { openKeptPacks, type SharedCacheOptions } from './stream-cache/kept-packs.ts';
import type { ClientTimeouts } from './timeouts.ts';
import type { TracingOptions } from './tracing/tracing.ts';

export interface ServiceOptions {
  /** Directory below which repositories are served. */
  readonly root: string;
  /** Further directories that repositories may borrow objects from. */
  readonly allowPaths: readonly string[];
  /** git's configuration for all repositories, under their own: `key=value`, or `key` alone. */
  readonly gitConfig: readonly string[];
  /** Whether only repositories with a file `git-daemon-export-ok` are served. */
  readonly requireExportOk: boolean;
  /** The namespace that is served of each repository, as in `GIT_NAMESPACE`; undefined: all refs are. */
  readonly namespace: string | undefined;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Whether the dumb protocol is served over HTTP. */
  readonly dumbHttp: boolean;
  /** To speak HTTPS; undefined: plain HTTP is spoken. */
  readonly tls: TlsOptions | undefined;
  /** How those who ask over HTTP show that they may. */
  readonly auth: AuthOptions;
  /** For git://, on the same address; undefined: no such door. */
  readonly gitPort: number | undefined;
  readonly metricsHost: string;
  readonly metricsPort: number;
  /** Worker threads. */
  readonly workers: number;
  readonly maxRequestBytes: number;
  /** Bytes of index files that the workers may hold, all together. */
  readonly indexMemory: number;
  /** Bytes of RSS; undefined: the control group's limit alone, or the machine's memory. */
  readonly memoryLimit: number | undefined;
  readonly memoryWarnRatio: number;
  /** Whether the limits of fetches and clones fall while the machine has too little. */
  readonly adaptiveLimits: boolean;
  /** Places of each lane, of each for one repository and for one client, and how many may wait, for how many seconds. */
  readonly limits: AdmissionOptions['limits'];
  readonly perRepository: number;
  readonly perClient: number;
  readonly queue: number;
  readonly queueWait: number;
  readonly refuseWith: Serving['refuseWith'];
  /** Addresses and subnets. */
  readonly trustedProxies: readonly string[];
  /** Bytes on their way to one client, and to all. */
  readonly streamWindow: number;
  readonly inflightMemory: number;
  /** Bytes of all request bodies. */
  readonly requestMemory: number;
  readonly timeouts: ClientTimeouts;
  /** Seconds between the end of readiness and that of new work, and that what is in flight may take then. */
  readonly drainDelay: number;
  readonly drainTimeout: number;
  /** Where files of our own go. */
  readonly cacheDir: string;
  /** Bytes for packs that are kept; 0: none are. */
  readonly cacheSize: number;
  /** The request for a pack from which on it is kept. */
  readonly cacheMinUses: number;
  /** The object store by which services share packs; undefined: none. */
  readonly sharedCache: SharedCacheOptions | undefined;
  /** Whether bitmaps are built for repositories that have none. */
  readonly ownBitmaps: boolean;
  /** Whether bundles are made of repositories that are cloned often: so many times within an hour. */
  readonly bundles: boolean;
  readonly bundleMinClones: number;
  /** Bytes of bundles on disk. */
  readonly bundleSize: number;
  /** Who may keep them beside the client that asked. */
  readonly bundleCaching: Caching;
  /** Seconds after which a worker that gives no sign of life is given up; 0: never. */
  readonly hangTimeout: number;
  /** Undefined: nothing is traced. */
  readonly tracing: TracingOptions | undefined;
}

export interface Service {
  /** Where the doors listen, as `http://host:port` or `https://host:port`. */
  readonly url: string;
  /** As `git://host:port`, where there is such a door. */
  readonly gitUrl: string | undefined;
  readonly metricsUrl: string;
  /** Fails readiness, after `delay` seconds takes nothing new, and resolves when what was in flight has ended. */
  stop(delay: number): Promise<void>;
}

/** @throws the system's error when a port cannot be had */
export async function startService(options: ServiceOptions, logger: Logger): Promise<Service> {
  let stoppedAt: number | undefined;
  const drain = new Drain();
  const requestMemory = new ByteBudget(options.requestMemory);
  const streams = new StreamBudget({ window: options.streamWindow, limit: options.inflightMemory });
  const admission = new Admission(options, streams);
  const active = new ActiveFetches();
  const indexes = createSharedIndexes(options.indexMemory);
  // What traces take is loaded only for them.
  const tracing = options.tracing && (await import('./tracing/tracing.ts'));
  const stopTracing = await tracing?.startTracing(options.tracing!, logger);
  const root = fs.realpathSync(options.root);
  const packs = await openKeptPacks({ ...options, root }, streams, logger);
  // Where another process has it, nothing is written there.
  const mayBundle = options.bundles && (packs !== undefined || options.cacheSize === 0);
  const bundles = mayBundle ? createSharedBundles(options.cacheDir, options.bundleSize) : undefined;
  const settings = {
    root,
    allowed: options.allowPaths,
    gitConfig: options.gitConfig,
    exportOk: options.requireExportOk,
    namespace: options.namespace,
    ownBitmaps: options.ownBitmaps ? options.cacheDir : undefined,
    bundles,
    entryStore: packs?.entries,
    namesPacks: packs?.shared ? { below: root } : packs !== undefined,
    indexes,
  };
  const pool = new WorkerPool(options.workers, settings, { hangTimeout: options.hangTimeout * 1000 });
  const group = ControlGroup.own();
  const memory = new MemoryWatch({
    inflight: streams,
    active,
    logger,
    measure: new MemoryMeasure(group, options.memoryLimit),
    warnRatio: options.memoryWarnRatio,
  });
  const { fetch, clone } = admission.lanes;
  const controller = new LimitController({
    limits: { fetch, clone },
    signals: options.adaptiveLimits ? [memorySignal(memory), cpuSignal(group), loopSignal()] : [],
    logger,
  });
  const guard = new MemoryGuard({
    memory,
    onShort: (isShort) => {
      streams.isShort = isShort;
      admission.next();
    },
    collectGarbage: () => pool.collectGarbage(),
  });
  const { backOffs } = controller;
  const stopping = {
    limit: options.drainDelay + options.drainTimeout,
    seconds: () => (stoppedAt === undefined ? undefined : (performance.now() - stoppedAt) / 1000),
  };
  const metrics = createMetrics({
    pool,
    indexes,
    admission,
    backOffs,
    memory,
    active,
    requests: requestMemory,
    packs,
    bundles,
    isTraced: options.tracing !== undefined,
    stopping,
  });
  const builders = [
    ...(options.ownBitmaps ? [new BitmapBuilder(pool, logger)] : []),
    ...(bundles ? [new BundleBuilder(pool, logger, options.bundleMinClones)] : []),
  ];
  const stopLog = logEvents(logger);
  const { maxRequestBytes, dumbHttp, tls, refuseWith, timeouts } = options;
  const trustedProxies = parseSubnets(options.trustedProxies);
  const authorize = createAuthorize(options.auth, {
    roots: [options.root, root],
    knowsCertificates: options.tls?.clientCa !== undefined,
    logger,
  });
  const serving = {
    pool,
    authorize,
    admission,
    cache: packs?.cache,
    refuseWith,
    trustedProxies,
    timeouts,
    drain,
  };
  const bundleCaching = bundles ? options.bundleCaching : undefined;
  const door = createHttpDoor({
    ...serving,
    logger,
    maxRequestBytes,
    requestMemory,
    dumbHttp,
    objectCaching: isGuarded(options) ? 'private' : 'public',
    bundleCaching,
    tls,
  });
  const gitDoor = options.gitPort === undefined ? undefined : createGitDoor({ ...serving, logger });
  const history = new FetchHistory();
  const notReady = () =>
    stoppedAt !== undefined
      ? 'draining'
      : (pool.breaker.refusal()?.message ?? (pool.threads === 0 ? 'no worker is running' : undefined));
  const operations = createOperationsServer({
    registry: metrics.registry,
    logger,
    status: { pool, admission, memory, active, history, packs, notReady },
    isLocal: isLoopback(options.metricsHost),
  });
  const release = async () => {
    controller.stop();
    guard.stop();
    memory.stop();
    for (const builder of builders) builder.close();
    await pool.close();
    stopLog();
    await stopTracing?.();
    await packs?.close();
    metrics.close();
    active.close();
    history.close();
    await operations.close();
  };
  try {
    await pool.ready();
    await operations.listen({ host: options.metricsHost, port: options.metricsPort });
    await door.listen({ host: options.host, port: options.port });
    await gitDoor?.listen({ host: options.host, port: options.gitPort! });
  } catch (error) {
    await door.close();
    await release();
    throw error;
  }
  memory.start();
  controller.start();
  if (options.adaptiveLimits) guard.start();
  return {
    url: urlOf(tls ? 'https' : 'http', door.server),
    gitUrl: gitDoor && urlOf('git', gitDoor.server),
    metricsUrl: urlOf('http', operations.server),
    async stop(delay) {
      stoppedAt = performance.now();
      if (delay > 0) await sleep(delay * 1000);
      drain.close();
      logger.info({ fetches: active.size }, 'draining');
      const cut = setTimeout(() => {
        if (active.size > 0) logger.warn({ fetches: active.size }, 'cutting off what is left');
        drain.cut();
      }, options.drainTimeout * 1000);
      await Promise.all([door.close(), gitDoor?.close()]);
      clearTimeout(cut);
      await release();
    },
  };
}

/** Whether not everyone may fetch everything over HTTP. */
export function isGuarded({ auth, tls }: Pick<ServiceOptions, 'auth' | 'tls'>): boolean {
  return auth.mode !== 'none' || tls?.clientCa !== undefined;
}

function urlOf(scheme: string, server: Server): string {
  const { address, family, port } = server.address() as AddressInfo;
  return `${scheme}://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
