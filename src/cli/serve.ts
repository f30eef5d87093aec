/** `packhorse serve`: start, say where, run until a signal, drain, end. */
import fs from 'node:fs';
import path from 'node:path';
import { pino } from 'pino';
import { startService } from '../front/service.ts';
import { VERSION } from '../version.ts';
import { readServeConfig } from './config.ts';
import { makeDemo } from './demo.ts';
import { serveHelp } from './help.ts';

/** @returns the exit code, when the service has ended */
export async function serve(args: readonly string[]): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(serveHelp());
    return 0;
  }
  const config = readServeConfig(args, process.env);
  const demo = config.rootIsDefault && !fs.existsSync(config.root);
  if (demo) makeDemo(path.join(config.root, 'demo.git'));

  const logger = pino({ level: config.logLevel });
  const { logLevel, rootIsDefault: _, ...shown } = config;
  logger.info({ version: VERSION, node: process.version, logLevel, ...shown }, 'starting');
  const service = await startService(config, logger);
  logger.info({ url: service.url, metrics: service.metricsUrl }, 'listening');
  if (demo) process.stderr.write(`\nMade a demo repository. Try:\n\n  git clone ${service.url}/demo.git\n\n`);

  const signal = await nextSignal();
  logger.info({ signal }, 'stopping: fetches in flight are finished first, a second signal ends them');
  nextSignal().then(() => process.exit(1));
  await service.stop();
  logger.info('stopped');
  return 0;
}

function nextSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    const signals = ['SIGTERM', 'SIGINT'] as const;
    const heard = (signal: NodeJS.Signals) => {
      for (const name of signals) process.off(name, heard);
      resolve(signal);
    };
    for (const name of signals) process.on(name, heard);
  });
}
