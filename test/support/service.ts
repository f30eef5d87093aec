/** The service as its own process, as an operator runs it. */
import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import readline from 'node:readline';
import type { Readable } from 'node:stream';
import type { FetchRecord } from '../../src/front/events.ts';
import type { MemorySample } from '../../src/front/memory-watch.ts';
import type { Statistics } from '../../src/upload-pack/statistics.ts';
import { afterTests } from './after-tests.ts';
import { temporaryDirectory } from './directory.ts';

const MAIN = path.resolve(import.meta.dirname, '../../src/main.ts');

export interface RunningService {
  readonly process: ChildProcess;
  /** `http://host:port` of the repositories, and of the operators' port. */
  readonly url: string;
  readonly metricsUrl: string;
  /** Every line logged so far. */
  readonly log: LogLine[];
  /** The first line, of the past or yet to come, that `matches`. */
  logged(matches: (line: LogLine) => boolean): Promise<LogLine>;
  /** Asks it to end, by SIGTERM unless it was started in some other way, and waits; returns the exit code. */
  stop(): Promise<number | null>;
}

/** What the tests look at of a log line: of every line, of `listening`, of a fetch, of warnings. */
export interface LogLine
  extends Pick<
    FetchRecord,
    | 'id'
    | 'door'
    | 'repository'
    | 'command'
    | 'version'
    | 'client'
    | 'agent'
    | 'trace'
    | 'status'
    | 'bytes'
    | 'outcome'
    | 'authorized'
    | 'seconds'
  > {
  readonly level: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly msg: string;
  readonly url: string;
  readonly git: string;
  readonly metrics: string;
  readonly statistics: Statistics;
  readonly error: { readonly code: string; readonly message: string };
  readonly memory: MemorySample & { readonly limit: number };
  readonly fetches: readonly unknown[];
  readonly reason: string;
  readonly repositories: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
  readonly signals: Readonly<Record<string, number>>;
}

/**
 * Starts `packhorse serve` on free ports; it is stopped after the tests of the file.
 * @param main the executable, where it is not that of this project
 */
export async function startService(
  root: string,
  flags: readonly string[] = [],
  environment: NodeJS.ProcessEnv = {},
  main = MAIN,
): Promise<RunningService> {
  const own = ['--port', '0', '--metrics-port', '0', '--drain-delay', '0'];
  const args = [main, 'serve', '--root', root, ...own, ...flags];
  const child = spawn(process.execPath, args, {
    env: { ...process.env, PACKHORSE_CACHE_DIR: temporaryDirectory(), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return watchService(child);
}

/**
 * A service that was just started in some other way, once it listens; it is stopped after the tests of the file.
 * @param end asks it to end
 */
export async function watchService(
  child: ChildProcessByStdio<null, Readable, Readable>,
  end = () => void child.kill('SIGTERM'),
): Promise<RunningService> {
  const log: LogLine[] = [];
  const waiting = new Set<() => void>();
  let stderr = '';
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  readline.createInterface({ input: child.stdout }).on('line', (line) => {
    log.push(JSON.parse(line));
    for (const look of waiting) look();
  });
  const logged = (matches: (line: LogLine) => boolean) =>
    new Promise<LogLine>((resolve, reject) => {
      const ended = () => reject(new Error(`the service ended: ${stderr}`));
      const look = () => {
        const found = log.find(matches);
        if (!found) return;
        waiting.delete(look);
        child.off('exit', ended);
        resolve(found);
      };
      waiting.add(look);
      child.once('exit', ended);
      look();
    });
  const { url, metrics } = await logged((line) => line.msg === 'listening');
  const service: RunningService = {
    process: child,
    url,
    metricsUrl: metrics,
    log,
    logged,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        end();
        await once(child, 'exit');
      }
      return child.exitCode;
    },
  };
  afterTests(() => service.stop());
  return service;
}
