import { once } from 'node:events';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { Pace } from '../../src/pack/pace.ts';
import { newStatistics } from '../../src/upload-pack/statistics.ts';
import { ChannelSink } from '../../workers/channel-sink.ts';

it('hears of a client that went away before the task began', () => {
  const { port1, port2 } = new MessageChannel();
  port1.postMessage({ type: 'cancel' });
  const pace = new Pace();
  new ChannelSink(port2, 1000, pace);
  expect(pace.cancelled).toBe(true);
  port1.close();
});

it('takes the end of the port for the end of the client', async () => {
  const { port1, port2 } = new MessageChannel();
  const pace = new Pace();
  const sink = new ChannelSink(port2, 1000, pace);
  await sink.sendLines(new Uint8Array(1000));
  const stalled = sink.sendLines(new Uint8Array(1));
  port1.close();
  await expect(stalled).rejects.toMatchObject({ code: 'PACKHORSE_CANCELLED' });
});

it('fills the buffers that come back', async () => {
  const { port1, port2 } = new MessageChannel();
  const sink = new ChannelSink(port2, 1_000_000, new Pace());
  const buffer = await sink.takeChunk();
  new Uint8Array(buffer)[0] = 42;
  await sink.sendChunk(buffer, 100);
  const [[{ buffer: sent, length }]] = await once(port1, 'message');
  expect(length).toBe(100);
  port1.postMessage({ type: 'credit', bytes: length, buffer: sent }, [sent]);
  await once(port2, 'message');
  expect(new Uint8Array(await sink.takeChunk())[0]).toBe(42);
  port1.close();
});

it('lends chunks for long sections, and keeps what it was given', async () => {
  const { port1, port2 } = new MessageChannel();
  const sink = new ChannelSink(port2, 1_000_000, new Pace());
  const lines = new Uint8Array(100_000).fill(7);
  await sink.sendLines(lines);
  expect(lines).toEqual(new Uint8Array(100_000).fill(7));
  const [[{ bytes }]] = await once(port1, 'message');
  expect(bytes).toEqual(lines);
  const { buffer: lent } = bytes;
  expect(lent.byteLength).toBeGreaterThan(bytes.length);
  port1.postMessage({ type: 'credit', bytes: bytes.length, buffer: lent }, [lent]);
  await once(port2, 'message');
  expect(new Uint8Array(await sink.takeChunk())[0]).toBe(7);
  port1.close();
});

it.each([0, 10, 5_000, 65_520, 65_521, 262_080, 262_081])(
  'sends a section of %d bytes alone',
  async (length) => {
    const { port1, port2 } = new MessageChannel();
    const sink = new ChannelSink(port2, 1_000_000, new Pace());
    const memory = Buffer.alloc(length + 100_000, 1);
    await sink.sendLines(memory.subarray(5, 5 + length));
    const [[{ bytes }]] = await once(port1, 'message');
    expect(Buffer.from(bytes).equals(memory.subarray(5, 5 + length))).toBe(true);
    expect(bytes.buffer.byteLength).toBeLessThanOrEqual(Math.max(length, 262_080));
    port1.close();
  },
);

it('posts together what is said in one turn of the event loop, in its order', async () => {
  const { port1, port2 } = new MessageChannel();
  const posts: { type: string; length?: number }[][] = [];
  port1.on('message', (messages) => posts.push(messages));
  const sink = new ChannelSink(port2, 1_000_000, new Pace());
  await sink.openBands(Buffer.from('000dpackfile\n'), 'side-band-64k');
  sink.sendProgress('Counting');
  await new Promise((resume) => setImmediate(resume));
  await sink.sendChunk(await sink.takeChunk(), 5000);
  await sink.sendLines(Buffer.from('0000'));
  sink.end(newStatistics('fetch'));
  while (posts.at(-1)?.at(-1)?.type !== 'end') await once(port1, 'message');
  expect(posts.map((messages) => messages.map(({ type }) => type))).toEqual([
    ['section', 'progress'],
    ['chunk', 'section', 'end'],
  ]);
  port1.close();
});

it('posts at once what is long', async () => {
  const { port1, port2 } = new MessageChannel();
  const sink = new ChannelSink(port2, 1_000_000, new Pace());
  sink.sendProgress('Counting');
  await sink.sendChunk(await sink.takeChunk(), 262_080);
  const { message } = receiveMessageOnPort(port1)!;
  expect(message.map(({ type }: { type: string }) => type)).toEqual(['progress', 'chunk']);
  port1.close();
});

it('sends a short chunk in memory of its own, and leaves its buffer to the next task', async () => {
  const { port1, port2 } = new MessageChannel();
  const sink = new ChannelSink(port2, 1_000_000, new Pace());
  const buffer = await sink.takeChunk();
  const bytes = new Uint8Array(buffer);
  bytes.fill(1, 0, 500);
  await sink.sendChunk(buffer, 500);
  sink.end(newStatistics('fetch'));
  bytes.fill(2);
  const [[chunk]] = await once(port1, 'message');
  expect(chunk.length).toBe(500);
  expect(new Uint8Array(chunk.buffer)).toEqual(new Uint8Array(500).fill(1));
  expect(await new ChannelSink(port2, 1_000_000, new Pace()).takeChunk()).toBe(buffer);
  port1.close();
});

it('does not take the memory of a short chunk for a chunk when it comes back', async () => {
  const { port1, port2 } = new MessageChannel();
  const sink = new ChannelSink(port2, 1_000_000, new Pace());
  await sink.sendChunk(await sink.takeChunk(), 500);
  const [[{ buffer, length }]] = await once(port1, 'message');
  port1.postMessage({ type: 'credit', bytes: length, buffer }, [buffer]);
  await once(port2, 'message');
  const chunks = [await sink.takeChunk(), await sink.takeChunk()];
  expect(chunks.map(({ byteLength }) => byteLength)).toEqual([262_080, 262_080]);
  port1.close();
});

it('has a chunk filled only when it may leave', async () => {
  const { port1, port2 } = new MessageChannel();
  const sink = new ChannelSink(port2, 300_000, new Pace());
  await sink.sendChunk(await sink.takeChunk(), 262_080);
  const next = sink.takeChunk();
  expect(next).toBeInstanceOf(Promise);
  port1.postMessage({ type: 'credit', bytes: 262_080, window: 300_000 });
  expect((await next).byteLength).toBe(262_080);
  port1.close();
});

it('hears that the client went away while it waits to fill a chunk', async () => {
  const { port1, port2 } = new MessageChannel();
  const sink = new ChannelSink(port2, 300_000, new Pace());
  await sink.sendChunk(await sink.takeChunk(), 262_080);
  const next = sink.takeChunk();
  port1.postMessage({ type: 'cancel' });
  await expect(next).rejects.toMatchObject({ code: 'PACKHORSE_CANCELLED' });
  port1.close();
});
