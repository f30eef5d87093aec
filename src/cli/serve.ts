/** `packhorse serve`: start, say where, run until a signal, drain, end. */
import fs from 'node:fs';
import path from 'node:path';
import { type Logger, pino } from 'pino';
import { isLoopback } from '../front/clients.ts';
import { redact } from '../front/redact.ts';
import { isGuarded, type Service, startService } from '../front/service.ts';
import { VERSION } from '../version.ts';
import { readServeConfig, type ServeConfig } from './config.ts';
import { DEMO_NAME, makeDemo } from './demo.ts';
import { firstSignal } from './first-signal.ts';
import { keepHeapsSmall } from './heap-growth.ts';
import { serveHelp } from './help.ts';

/** A write for each line would cost a tenth of a small request. What is left is written when the process exits. */
const LOG_WRITES = { minLength: 4096, periodicFlush: 100, sync: false };

/** @returns the exit code, when the service has ended */
export async function serve(args: readonly string[]): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(serveHelp());
    return 0;
  }
  const config = readServeConfig(args, process.env);
  if (config.rootIsDefault && !fs.existsSync(config.root)) makeDefaultRoot(config.root);
  keepHeapsSmall();

  const logger = pino(
    { level: config.logLevel, hooks: { streamWrite: redact } },
    pino.destination(LOG_WRITES),
  );
  const { rootIsDefault, tls, ...shown } = config;
  const auth = withoutSecrets(config.auth);
  logger.info(
    { version: VERSION, node: process.version, ...shown, tls: tls !== undefined, auth },
    'starting',
  );
  warnOfAnonymousAccess(config, logger);
  const service = await start(config, logger);
  const signalled = firstSignal();
  logger.info({ url: service.url, git: service.gitUrl, metrics: service.metricsUrl }, 'listening');
  const hasDemo = rootIsDefault && !isGuarded(config) && fs.existsSync(path.join(config.root, DEMO_NAME));
  // Behind the line above, and nowhere that keeps it: what reads a log may take each line for JSON.
  if (hasDemo && process.stderr.isTTY)
    void allWritten(logger).then(() => process.stderr.write(newcomersHint(service)));

  const signal = await signalled;
  const { drainTimeout } = config;
  // No load balancer is told by a Ctrl-C, so there is none to wait for.
  const drainDelay = signal === 'SIGINT' ? 0 : config.drainDelay;
  logger.info(
    { signal, drainDelay, drainTimeout },
    'stopping: fetches in flight are finished first, a second signal ends them',
  );
  await service.stop(drainDelay);
  logger.info('stopped');
  // What is left at the exit pino would try for ever to write, were its reader gone.
  await allWritten(logger);
  return 0;
}

/** Until the log has been written up to here: a flush that finds a write under way waits for that one alone. */
async function allWritten(logger: Logger): Promise<void> {
  await new Promise<void>((resolve) => logger.flush(() => logger.flush(() => resolve())));
}

function newcomersHint({ url, metricsUrl }: Service): string {
  return `
There is a repository to try this with:

  git clone ${url}/${DEMO_NAME}

What happens here is shown at ${metricsUrl}/. Ctrl-C ends it.

`;
}

/** The query of an address may hold a secret. */
function withoutSecrets(auth: ServeConfig['auth']): ServeConfig['auth'] {
  return 'url' in auth ? { ...auth, url: auth.url.replace(/[?#].*/s, '?…') } : auth;
}

function makeDefaultRoot(root: string): void {
  try {
    makeDemo(root);
  } catch (error) {
    throw new Error(
      `${root} cannot be made (${(error as Error).message}); say what to serve with --root DIR`,
    );
  }
}

function warnOfAnonymousAccess(config: ServeConfig, logger: Logger): void {
  const { host, gitPort, metricsHost } = config;
  if (isGuarded(config) && gitPort !== undefined) {
    logger.warn(
      { host, gitPort },
      'ANYONE who can reach this port can fetch EVERY repository: git:// cannot ask who they are',
    );
  }
  if (!isGuarded(config) && !isLoopback(host)) {
    logger.warn(
      { host },
      'ANYONE who can reach this address can fetch EVERY repository: nothing asks who they are',
    );
  }
  if (!isLoopback(metricsHost)) {
    logger.warn(
      { metricsHost },
      'ANYONE who can reach this address can read the metrics, and who fetches what',
    );
  }
}

/** The service, or an error that says which flag to change. */
async function start(config: ServeConfig, logger: Logger): Promise<Service> {
  try {
    return await startService(config, logger);
  } catch (error) {
    throw listenError(error as ListenError, config) ?? error;
  }
}

interface ListenError extends NodeJS.ErrnoException {
  readonly port?: number;
  readonly address?: string;
}

const LISTEN_PROBLEMS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use',
  EACCES: 'may not be listened on by this user',
  EADDRNOTAVAIL: 'cannot be had: the address is not one of this machine',
};

function listenError(
  { code = '', syscall, port, address }: ListenError,
  config: ServeConfig,
): Error | undefined {
  const problem = LISTEN_PROBLEMS[code];
  if (!problem || syscall !== 'listen') return undefined;
  return new Error(
    `port ${port} of ${address} ${problem}; choose another with ${flagsOf(port, address, config)}`,
  );
}

/** What says where a door listens. Several may have been given port 0, so the address counts too. */
function flagsOf(port: number | undefined, address: string | undefined, config: ServeConfig): string {
  if (port === config.port && address === config.host) return '--port or --host';
  return port === config.gitPort ? '--git-port or --host' : '--metrics-port or --metrics-host';
}
