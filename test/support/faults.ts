/**
 * Faults in a service that runs: its disk fails, or a worker crashes, hangs or eats up its heap, when a file is touched.
 *
 *     const faults = new Faults();
 *     const service = await startService(root, [], faults.environment);
 *     faults.set({ name: 'disk', calls: ['read'], path: 'bad.git/.*\\.pack$', action: 'EIO' });
 *
 * `inject-faults.ts` does it, from within the process. Any program on Node can be given that environment.
 */
import fs from 'node:fs';
import path from 'node:path';
import { temporaryDirectory } from './directory.ts';

export interface Fault {
  /** Tells faults apart in {@link Faults.struck}. */
  readonly name: string;
  /** Calls of `node:fs` without `Sync`, such as `open`, `read`, `readFile`, `stat`, `write`. */
  readonly calls: readonly string[];
  /** A regular expression for the path of the file, of an open one too. */
  readonly path: string;
  /**
   * The code that the call fails with, such as `EIO`; or what is done to a worker that makes the call: an exception
   * that nothing catches, `process.exit`, sleep or work without an end, a heap that grows without an end.
   */
  readonly action: string | 'crash' | 'exit' | 'hang' | 'spin' | 'heap';
  /** How often it strikes at most; without an end where it is left out. */
  readonly times?: number;
}

export class Faults {
  readonly #file = path.join(temporaryDirectory(), 'faults');

  /** What the service has to be started with. */
  get environment(): NodeJS.ProcessEnv {
    const preload = path.join(import.meta.dirname, 'inject-faults.ts');
    const options = [process.env.NODE_OPTIONS ?? '', `--import ${preload}`];
    return { NODE_OPTIONS: options.join(' ').trim(), FAULTS_FILE: this.#file };
  }

  /** From the next call on these strike, and no others. */
  set(...faults: readonly Fault[]): void {
    const next = `${this.#file}.next`;
    fs.writeFileSync(next, JSON.stringify(faults));
    fs.renameSync(next, this.#file);
  }

  /** How often a fault has struck. */
  struck(name: string): number {
    const { dir, base } = path.parse(this.#file);
    return fs.readdirSync(dir).filter((entry) => entry.startsWith(`${base}.${name}.`)).length;
  }
}
