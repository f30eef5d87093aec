/** A little of everything that happens to a service, by real clients, so that each of its metrics has something to say. */
import path from 'node:path';
import { expect } from 'vitest';
import { clone, gitIn } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { Faults } from '../support/faults.ts';
import { git, runGit } from '../support/git.ts';
import { addCommit, createRepository, History, noise } from '../support/history.ts';
import { createLarge } from '../support/large.ts';
import { post, startFetch } from '../support/raw-client.ts';
import { metricBecomes } from '../support/request-log.ts';
import { v2Request } from '../support/requests.ts';
import { type RunningService, startService } from '../support/service.ts';

const BITMAP = 'bitmap.git';
const GROWING = 'growing.git';
/** One for each round, so that none comes from the cache. */
const VICTIMS = ['victim1.git', 'victim2.git'];
const LARGE = ['large0.git', 'large1.git', 'large2.git'];

/** So little memory that one pack at a time may be on its way, and room for one to wait. */
const FLAGS = ['--workers', '1', '--inflight-memory', '512k', '--queue', '1', '--git-port', '0'];

export class Load {
  /** The number of those that were gone through. */
  #rounds = 0;
  readonly #root = temporaryDirectory();
  readonly #faults = new Faults();

  /** The service that it is for. */
  async start(): Promise<RunningService> {
    const bitmap = createRepository(this.#root, BITMAP);
    const history = new History();
    for (let n = 0; n < 50; n++) history.commit({ branch: 'main', files: { [`f${n}`]: `${n}\n` } });
    history.importInto(bitmap);
    git(bitmap, ['repack', '-adbq']);
    for (const name of [GROWING, ...VICTIMS]) {
      const small = new History();
      small.commit({ branch: 'main', files: { a: noise(100_000, 1), b: 'b\n' } });
      small.commit({ branch: 'main', files: { b: 'c\n' } });
      small.importInto(createRepository(this.#root, name));
    }
    for (const name of LARGE) createLarge(this.#root, name);
    this.#faults.set();
    return startService(this.#root, FLAGS, this.#faults.environment);
  }

  /** Once through all of it, and twice at most. */
  async round(service: RunningService): Promise<void> {
    await this.#clones(service);
    await this.#failures(service);
    const { release } = await this.hold(service);
    await release();
    this.#rounds++;
  }

  /**
   * Fills the service and has one client turned away.
   * @returns what lets those go on who have a place or wait for one
   */
  async hold(service: RunningService): Promise<{ release(): Promise<void> }> {
    const [first, second, third] = LARGE;
    const stalled = await startFetch(service, first, this.#request(first));
    const waiting = startFetch(service, second, this.#request(second));
    await metricBecomes(service, 'packhorse_admission_queued{lane="clone"}', (n) => n === 1);
    expect((await post(service, third, this.#request(third))).body.toString()).toContain(
      'the server is busy',
    );
    return {
      async release() {
        await stalled.finish();
        await (await waiting).finish();
        await metricBecomes(service, 'packhorse_fetches_in_progress', (n) => n === 0);
      },
    };
  }

  /** Clones that are made, kept and sent from the cache; others of each kind and at another door. */
  async #clones(service: RunningService): Promise<void> {
    const growing = path.join(this.#root, GROWING);
    const directory = await clone(service, GROWING);
    addCommit(growing, 'main', { c: noise(10_000, this.#rounds) });
    await gitIn(directory, ['fetch', '--quiet']);
    for (let n = 0; n < 3; n++) await clone(service, BITMAP);
    await clone(service, GROWING, ['--bare', '--depth=1']);
    const { git: gitUrl } = await service.logged(({ msg }) => msg === 'listening');
    await gitIn(temporaryDirectory(), ['clone', '--quiet', '--mirror', `${gitUrl}/${GROWING}`]);
  }

  /** One of each way in which a request does not end well, but for being turned away. */
  async #failures(service: RunningService): Promise<void> {
    const nowhere = await runGit(temporaryDirectory(), ['clone', `${service.url}/nowhere.git`]);
    expect(nowhere.stderr).toContain('not found');

    const { abort } = await startFetch(service, LARGE[2], this.#request(LARGE[2]));
    abort();
    await metricBecomes(service, 'packhorse_fetches_in_progress', (n) => n === 0);

    // At once: an exception that nothing catches may come when the last of so small a pack has gone out.
    const victim = VICTIMS[this.#rounds];
    this.#faults.set({
      name: victim,
      calls: ['read'],
      path: `${victim}/objects/pack/`,
      action: 'exit',
      times: 1,
    });
    const lost = await runGit(temporaryDirectory(), ['clone', `${service.url}/${victim}`]);
    expect(lost.stderr).toContain('a worker of the server crashed');
    this.#faults.set();
  }

  /** For a pack of a large repository that no round before has asked for, so that it has to be made. */
  #request(name: string): string {
    const oid = git(path.join(this.#root, name), ['rev-parse', `main~${this.#rounds}`]);
    return v2Request('fetch', [`want ${oid}`, 'ofs-delta', 'done']);
  }
}
