/** The channel between main thread and worker, with real workers: what comes when, and what ends a task. */
import crypto from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { createSharedIndexes } from '../../src/channel/shared-indexes.ts';
import type { Work } from '../../src/channel/task.ts';
import type { PackhorseError } from '../../src/errors.ts';
import { type RunningTask, type WorkerMessage, WorkerPool } from '../../src/front/pool.ts';
import type { Statistics } from '../../src/upload-pack/statistics.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { encodeRequest } from '../support/requests.ts';

const WINDOW = 1024 * 1024;
const root = temporaryDirectory();
const repository = createRepository(root, 'big.git');
const history = new History();
for (let i = 0; i < 8; i++) {
  const content = crypto.createHash('shake256', { outputLength: 1_000_000 }).update(`${i}`).digest();
  history.commit({ branch: 'main', files: { [`blob${i}`]: content } });
}
history.importInto(repository);

const settings = {
  root,
  allowed: [],
  gitConfig: [],
  exportOk: false,
  namespace: undefined,
  ownBitmaps: undefined,
  namesPacks: false,
  bundles: undefined,
  entryStore: undefined,
  window: WINDOW,
  indexes: createSharedIndexes(2 ** 20),
};
const pool = new WorkerPool(1, settings);
afterAll(() => pool.close());

/** Bytes of its own for every task: they are transferred. */
const work = (): Work => {
  const args = [`want ${git(repository, ['rev-parse', 'main'])}`, 'no-progress', 'done'];
  return { kind: 'answer', version: 2, request: new Uint8Array(encodeRequest('fetch', args)) };
};

/** One task whose messages are kept in their order; nothing is credited unless the test does. */
class Listener {
  readonly events: string[] = [];
  bytes = 0;
  statistics: Statistics | undefined;
  task!: RunningTask;
  #wake = () => {};
  readonly #credit: boolean;
  readonly ended: Promise<Statistics | PackhorseError>;
  #end!: (result: Statistics | PackhorseError) => void;

  constructor(credit: boolean) {
    this.#credit = credit;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  onMessage(message: WorkerMessage): void {
    this.events.push(message.type);
    if (message.type === 'chunk') {
      this.bytes += message.length;
      if (this.#credit) this.task.credit(message.length, WINDOW, message.buffer);
    } else if (message.type === 'place') {
      this.task.placed('here');
    } else if (message.type === 'section') {
      this.bytes += message.bytes.length;
      if (this.#credit) this.task.credit(message.bytes.length, WINDOW);
    }
    this.#wake();
  }

  onEnd(statistics: Statistics): void {
    this.events.push('end');
    this.#end(statistics);
  }

  onError(error: PackhorseError, statistics: Statistics | undefined): void {
    this.statistics = statistics;
    this.events.push(error.code);
    this.#end(error);
  }

  async until(reached: () => boolean): Promise<void> {
    while (!reached()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

function run(
  credit: boolean,
  task: Parameters<WorkerPool['run']>[0] = { path: 'big.git', work: work(), window: WINDOW },
): Listener {
  const listener = new Listener(credit);
  listener.task = pool.run(task, listener);
  return listener;
}

describe('a task', () => {
  it('says that it has read its request, then sends sections, then chunks, then its end', async () => {
    const listener = run(true);
    const statistics = (await listener.ended) as Statistics;
    const kinds = listener.events.filter((event, i) => event !== listener.events[i - 1]);
    expect(kinds).toEqual(['read', 'section', 'place', 'chunk', 'section', 'end']);
    expect(statistics.objects.total).toBe(24);
    expect(statistics.bytes.total).toBeGreaterThan(8_000_000);
  });

  it('stops at its window until the client has taken bytes, and holds no thread meanwhile', async () => {
    const stalled = run(false);
    const chunk = 262_080;
    await stalled.until(() => stalled.bytes > WINDOW - chunk);
    // The pool has one worker, which the stalled task does not keep from doing all of another.
    await run(true).ended;
    expect(stalled.bytes).toBeLessThanOrEqual(WINDOW);
    const before = stalled.bytes;
    stalled.task.credit(chunk, WINDOW);
    await stalled.until(() => stalled.bytes > before);
    stalled.task.cancel();
    expect(await stalled.ended).toMatchObject({ code: 'PACKHORSE_CANCELLED' });
  });

  it('ends at once when it is cancelled, and the worker lives', async () => {
    const listener = run(false);
    await listener.until(() => listener.events.includes('chunk'));
    listener.task.cancel();
    expect(await listener.ended).toMatchObject({ code: 'PACKHORSE_CANCELLED' });
    expect(listener.events.at(-1)).toBe('PACKHORSE_CANCELLED');
    expect(listener.bytes).toBeLessThanOrEqual(WINDOW);
    // What was sent until then counts.
    expect(listener.statistics).toMatchObject({ command: 'fetch', kind: 'clone', objects: { total: 24 } });
    expect(listener.statistics!.bytes.verbatim).toBeGreaterThan(0);
    await run(true).ended;
    expect(pool.threads).toBe(1);
    expect(pool.restarts).toEqual({ crash: 0, memory: 0, hang: 0 });
  });

  it('that fails says so before anything else', async () => {
    const listener = run(true, { path: 'nowhere.git', work: work(), window: WINDOW });
    expect(await listener.ended).toMatchObject({ code: 'PACKHORSE_REPOSITORY_NOT_FOUND', status: 404 });
    expect(listener.events).toEqual(['PACKHORSE_REPOSITORY_NOT_FOUND']);
  });
});
