/** The build of a pack that several follow, between the worker that makes it and a disk that does not keep up. */
import { once } from 'node:events';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { afterEach, expect, test, vi } from 'vitest';
import { cancelled } from '../../src/errors.ts';
import { Admission } from '../../src/front/admission/admission.ts';
import { RunningTask } from '../../src/front/pool.ts';
import { GRACE } from '../../src/front/stalls.ts';
import { StreamBudget } from '../../src/front/stream-budget.ts';
import { Build, type Follower } from '../../src/front/stream-cache/build.ts';
import { SLOT_BYTES } from '../../src/protocol/sideband.ts';
import type { StreamReader } from '../../src/store/streams/stream.ts';
import { newStatistics } from '../../src/upload-pack/statistics.ts';
import { headOf, openStore } from '../store/streams/streams.ts';
import { temporaryDirectory } from '../support/directory.ts';

const CHUNK = 4 * SLOT_BYTES;
const IGNORED = { onMessage() {}, onEnd() {}, onError() {} };

afterEach(() => void vi.useRealTimers());

/** One that is told where to read, and nothing else of interest. */
class Reading implements Follower {
  read!: (reader: StreamReader) => void;
  readonly reader = new Promise<StreamReader>((resolve) => {
    this.read = resolve;
  });
  moved(): void {}
  begun(): void {}
  progress(): void {}
  chunk(): void {}
  ended(): void {}
  pays(): void {}
  failed(): void {}
  alone(): void {}
}

test('no credit is lost for what is written while the build waits for its place again', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const streams = new StreamBudget({ window: 2 ** 20, limit: 2 ** 26 });
  const limits = { light: 1, fetch: 1, clone: 1 };
  const admission = new Admission(
    { limits, perRepository: 0, perClient: 0, queue: 8, queueWait: 0 },
    streams,
  );
  // No room for a block: what comes is held in memory until it was read, and the writer waits for that.
  const { store } = await openStore(temporaryDirectory(), { budget: 1000 });
  const { port1, port2 } = new MessageChannel();
  const source = new RunningTask('a.git', port1, IGNORED, undefined);
  const follower = new Reading();
  const build = new Build(follower, {
    place: admission.place({ repository: 'a.git', client: undefined }),
    lane: 'clone',
    source,
    framing: 'side-band-64k',
    window: () => streams.window,
    onEnd: () => {},
  });
  build.keep(() => store.create(headOf('one')));
  const placed = once(port2, 'message');
  build.enter();
  const [{ leave }] = (await placed) as [{ leave: { port: MessagePort } }];
  const worker = leave.port;
  const reader = await follower.reader;

  const chunk = () => ({ type: 'chunk', buffer: new ArrayBuffer(CHUNK), length: CHUNK });
  worker.postMessage([chunk(), chunk()]);
  await reader.read(CHUNK);
  await vi.advanceTimersByTimeAsync(GRACE);
  const other = admission.place({ repository: 'b.git', client: undefined });
  other.enter('clone', { granted: () => {}, refused: () => {} });
  expect(other.held).toBe(true);
  // Takes the first, so that the second is written.
  await reader.read(CHUNK);
  await vi.advanceTimersByTimeAsync(GRACE);
  const end = reader.read(CHUNK);
  let credit = 0;
  const credited = new Promise<void>((resolve) => {
    worker.on('message', ({ bytes }: { bytes: number }) => {
      credit += bytes;
      if (credit === 2 * CHUNK) resolve();
    });
  });
  other.leave();
  await credited;
  worker.postMessage([{ type: 'end', statistics: newStatistics('fetch') }]);
  expect(await end).toBeUndefined();
  source.fail(cancelled());
  port2.close();
});
