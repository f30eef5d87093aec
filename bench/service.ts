/** The service as a process of its own, as an operator runs it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import type { LogLine } from '../test/support/service.ts';

const MAIN = path.resolve(import.meta.dirname, '../src/main.ts');
/** It is in the group from its first byte on: what a process has when it is moved stays with its old one. */
const IN_GROUP = ['sh', '-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"'];
/** Each pack is made; a bench that is about what is kept says so. */
const FLAGS = [
  '--cache-size',
  '0',
  '--port',
  '0',
  '--metrics-port',
  '0',
  '--drain-delay',
  '0',
  '--workers',
  '2',
  '--log-level',
  'info',
  '--cache-size',
  '0',
];

export interface ServiceOptions {
  /** For node itself, as for a profile. */
  readonly nodeFlags?: readonly string[];
  /** For `serve`, beside the ones that every bench gives. */
  readonly flags?: readonly string[];
  /** Directory of the control group that it runs in; without, that of the bench. */
  readonly group?: string | undefined;
}

export interface Service {
  readonly pid: number;
  /** `http://host:port` */
  readonly url: string;
  readonly metricsUrl: string;
  /** The next line logged that `matches`. */
  logged(matches: (line: LogLine) => boolean): Promise<LogLine>;
  /** The value of a metric without labels. */
  metric(name: string): Promise<number>;
  stop(): Promise<void>;
}

/**
 * Starts it with a cache directory of its own, which goes when it stops.
 * @param root directory below which repositories are served
 */
export async function startService(
  root: string,
  { nodeFlags = [], flags = [], group }: ServiceOptions = {},
): Promise<Service> {
  const cache = fs.mkdtempSync(path.join(os.tmpdir(), 'packhorse-cache-'));
  const all = [...FLAGS, '--cache-dir', cache, ...flags];
  const serve = [process.execPath, ...nodeFlags, MAIN, 'serve', '--root', root, ...all];
  const [command, ...args] = group === undefined ? serve : [...IN_GROUP, group, ...serve];
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = readline.createInterface({ input: child.stdout });
  const logged = (matches: (line: LogLine) => boolean) =>
    new Promise<LogLine>((resolve, reject) => {
      const look = (text: string) => {
        const line = JSON.parse(text);
        if (!matches(line)) return;
        lines.off('line', look);
        child.off('exit', ended);
        resolve(line);
      };
      const ended = (code: number | null) => reject(new Error(`the service ended with ${code}`));
      lines.on('line', look);
      child.once('exit', ended);
    });
  const { url, metrics } = await logged(({ msg }) => msg === 'listening');
  return {
    pid: child.pid!,
    url,
    metricsUrl: metrics,
    logged,
    async metric(name) {
      const text = await (await fetch(`${metrics}/metrics`)).text();
      return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1]);
    },
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
      fs.rmSync(cache, { recursive: true, force: true });
    },
  };
}
