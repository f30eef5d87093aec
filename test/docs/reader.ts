/** Someone who types what a document says, in a directory of their own. */
import { execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { temporaryDirectory } from '../support/directory.ts';
import { GIT_ENVIRONMENT } from '../support/git.ts';
import { type RunningService, watchService } from '../support/service.ts';
import { type Block, commandsOf, PROJECT } from './commands.ts';

/** What starts a service and does not come back. */
const STARTS = /^(?:npm start|npx --no-install packhorse serve|packhorse serve)(?!.* --help)/;
const HTTP = '127.0.0.1:8417';
const METRICS = '127.0.0.1:9417';

export interface ReaderOptions {
  /** Where the commands are typed; an empty directory unless given. */
  readonly directory?: string;
  /** What stands for places of the documents, such as `/srv/git`. */
  readonly places?: Readonly<Record<string, string>>;
  readonly environment?: NodeJS.ProcessEnv;
  /** The executable that is `packhorse`. */
  readonly main?: string;
}

export class Reader {
  readonly directory: string;
  readonly #places: readonly (readonly [string, string])[];
  readonly #environment: NodeJS.ProcessEnv;
  #service: RunningService | undefined;

  constructor(options: ReaderOptions = {}) {
    const { directory = temporaryDirectory(), places = {}, environment = {} } = options;
    const { main = path.join(PROJECT, 'src/main.ts') } = options;
    this.directory = directory;
    this.#places = Object.entries(places);
    const bin = temporaryDirectory();
    const script = `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`;
    fs.writeFileSync(path.join(bin, 'packhorse'), script, { mode: 0o755 });
    const { GIT_SSL_CAINFO: _, ...others } = GIT_ENVIRONMENT;
    this.#environment = {
      ...others,
      PATH: `${bin}:${path.dirname(process.execPath)}:${process.env.PATH}`,
      // A service prints its log alone.
      npm_config_loglevel: 'silent',
      PACKHORSE_PORT: '0',
      PACKHORSE_METRICS_PORT: '0',
      PACKHORSE_DRAIN_DELAY: '0',
      PACKHORSE_CACHE_DIR: temporaryDirectory(),
      ...environment,
    };
  }

  /** The one that was started last. */
  get service(): RunningService {
    if (!this.#service) throw new Error('no service was started');
    return this.#service;
  }

  get environment(): NodeJS.ProcessEnv {
    return this.#environment;
  }

  /**
   * Types the commands of a block, one after the other. What starts a service goes on in another terminal, where the one
   * before it is ended.
   * @returns what the commands have printed
   * @throws what a command says that fails
   */
  async follow(block: Block): Promise<string> {
    let printed = '';
    for (const command of commandsOf(block)) printed += await this.type(command);
    return printed;
  }

  async type(command: string): Promise<string> {
    const here = this.inPlace(command);
    const options = { cwd: this.directory, env: this.#environment };
    if (!STARTS.test(command)) {
      const bash = promisify(execFile)('bash', ['-euo', 'pipefail', '-c', here], options);
      bash.child.stdin?.end();
      return (await bash).stdout;
    }
    await this.#service?.stop();
    const bash = ['-c', `exec ${here}`];
    const stdio = ['ignore', 'pipe', 'pipe'] as const;
    const child = spawn('bash', bash, { ...options, stdio: [...stdio], detached: true });
    // As Ctrl-C does: the signal goes to npm, to its shell, and to the service.
    this.#service = await watchService(child, () => void process.kill(-child.pid!, 'SIGINT'));
    return '';
  }

  /** A text with places and ports as they are here. */
  inPlace(text: string): string {
    let here = text.replaceAll(/--port 8417\b/g, '--port 0');
    if (this.#service) {
      here = here
        .replaceAll(HTTP, new URL(this.#service.url).host)
        .replaceAll(METRICS, new URL(this.#service.metricsUrl).host);
    }
    for (const [place, own] of this.#places) here = here.replaceAll(place, own);
    return here;
  }
}
