/** Requests to a service that keeps packs, and what each costs it. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Statistics } from '../../src/upload-pack/statistics.ts';
import type { LogLine } from '../../test/support/service.ts';
import type { Sample } from '../compare/samples.ts';
import { DiscardingClient } from '../discarding-client.ts';
import { Frames } from '../frames.ts';
import { git } from '../git.ts';
import { cpuSeconds, residentBytes } from '../measure.ts';
import { ensureRepository } from '../repositories.ts';
import { encodeFetch } from '../request.ts';
import { type Service, startService } from '../service.ts';
import { type Source, sourceAt } from '../source.ts';

/** Room for all that a bench asks for. */
const CACHE = ['--cache-size', '20g', '--own-bitmaps', 'off'];

export interface Asked extends Sample {
  /** Milliseconds to the first byte of the pack. */
  readonly firstByte: number;
}

export class Requests {
  readonly #service: Service;
  readonly #source: Source;
  readonly #directory: string;

  private constructor(service: Service, source: Source, directory: string) {
    this.#service = service;
    this.#source = source;
    this.#directory = directory;
  }

  /** With a service of its own, which begins with nothing kept. */
  static async with(
    source: Source,
    options: { directory: string; nodeFlags: readonly string[]; flags: readonly string[] },
    use: (requests: Requests) => Promise<void>,
  ): Promise<void> {
    const { directory, nodeFlags, flags } = options;
    const service = await startService(source.root, { nodeFlags, flags: [...CACHE, ...flags] });
    try {
      await use(new Requests(service, source, directory));
    } finally {
      await service.stop();
    }
  }

  /** Has a request in a file meanwhile. */
  static async inFile(request: Buffer, use: (file: string) => Promise<void>): Promise<void> {
    const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'packhorse-request-'));
    try {
      const file = path.join(scratch, 'request');
      fs.writeFileSync(file, request);
      await use(file);
    } finally {
      fs.rmSync(scratch, { recursive: true });
    }
  }

  /** Has a tiny repository cloned, so that code is loaded. */
  async warmUp(): Promise<void> {
    const name = await ensureRepository(this.#directory, 'tiny');
    const tiny = sourceAt(path.join(this.#directory, name));
    const tip = git(tiny.directory, 'rev-parse', 'HEAD');
    const answers = this.#answers(1);
    await this.#ask(name, encodeFetch({ wants: [tip], haves: [] }, tiny.format));
    await answers;
  }

  /** Sends so many at once. */
  async send(request: Buffer, times = 1): Promise<void> {
    const answers = this.#answers(times);
    await Promise.all(Array.from({ length: times }, () => this.#ask(this.#source.name, request)));
    // Lines come later than the last bytes, and the next that is waited for is to be the next one's.
    await answers;
  }

  /** CPU seconds of the service while something is done. */
  async cpuOf(action: () => Promise<unknown>): Promise<number> {
    const before = cpuSeconds(this.#service.pid);
    await action();
    return cpuSeconds(this.#service.pid) - before;
  }

  /**
   * @param result how the cache must have answered; undefined where there is none
   * @throws Error when it did otherwise
   */
  async measure(request: Buffer, result: 'miss' | 'hit' | undefined): Promise<Asked> {
    const answers = this.#answers(1);
    const start = performance.now();
    let firstByte = 0;
    const cpu = await this.cpuOf(async () => {
      firstByte = await this.#ask(this.#source.name, request);
    });
    const seconds = (performance.now() - start) / 1000;
    const { cache } = await answers;
    if (cache !== result) throw new Error(`the cache answered ${cache}, not ${result}`);
    return { seconds, cpuSeconds: cpu, peak: residentBytes(this.#service.pid), firstByte };
  }

  /** Statistics of the last one of so many fetches to come; to be called before they are made. */
  async #answers(times: number): Promise<Statistics> {
    let left = times;
    const isFetch = ({ command, outcome }: LogLine) => command === 'fetch' && outcome === 'ok';
    return (await this.#service.logged((line) => isFetch(line) && --left === 0)).statistics;
  }

  /** @returns milliseconds to the first byte of the pack */
  async #ask(repository: string, request: Buffer): Promise<number> {
    const client = await DiscardingClient.connect(this.#service.url, repository);
    const frames = new Frames();
    const start = performance.now();
    let first: number | undefined;
    try {
      await client.post(request, (bytes) => {
        frames.push(bytes);
        if (frames.packBytes > 0) first ??= performance.now() - start;
      });
    } finally {
      client.close();
    }
    frames.end();
    return first ?? Number.NaN;
  }
}
