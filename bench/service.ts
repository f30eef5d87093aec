/** The service as a process of its own, as an operator runs it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import readline from 'node:readline';
import type { LogLine } from '../test/support/service.ts';

const MAIN = path.resolve(import.meta.dirname, '../src/main.ts');
const FLAGS = ['--port', '0', '--metrics-port', '0', '--workers', '2', '--log-level', 'info'];

export interface Service {
  readonly pid: number;
  /** `http://host:port` */
  readonly url: string;
  /** The next line logged that `matches`. */
  logged(matches: (line: LogLine) => boolean): Promise<LogLine>;
  stop(): Promise<void>;
}

/**
 * @param root directory below which repositories are served
 * @param nodeFlags for node itself, as for a profile
 */
export async function startService(root: string, nodeFlags: readonly string[] = []): Promise<Service> {
  const child = spawn(process.execPath, [...nodeFlags, MAIN, 'serve', '--root', root, ...FLAGS], {
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
  const { url } = await logged(({ msg }) => msg === 'listening');
  return {
    pid: child.pid!,
    url,
    logged,
    async stop() {
      if (child.exitCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}
