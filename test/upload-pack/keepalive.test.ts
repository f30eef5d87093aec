/** What is sent while there is nothing to send. */
import { expect, test } from 'vitest';
import { ByteSink } from '../../src/upload-pack/byte-sink.ts';

const NONE = new Uint8Array();

/** A sink whose pack section has begun, and the promise of the next write. */
async function begun(keepAlive: number, band: 1 | 2) {
  const writes: string[] = [];
  let wake = () => {};
  const written = new Promise<void>((resolve) => {
    wake = resolve;
  });
  const sink = new ByteSink((bytes) => {
    writes.push(Buffer.from(bytes).toString('latin1'));
    wake();
  });
  await sink.openBands(NONE, 'side-band-64k');
  sink.enter({ lane: 'clone', keepAlive, band, silent: true, kind: 'clone', directory: '' });
  // The timers of keepalives keep no process alive; this one does.
  const alive = setInterval(() => {}, 1000);
  return { sink, writes, written: written.finally(() => clearInterval(alive)) };
}

test.each([
  [1, '0005\u0001'],
  [2, '0005\u0002'],
] as const)('on band %i an empty frame goes out', async (band, frame) => {
  const { sink, writes, written } = await begun(1, band);
  await written;
  await sink.closeBands(NONE);
  expect(writes).toEqual([frame]);
});

test('none where it is switched off: what is written first is the end', async () => {
  const { sink, writes, written } = await begun(0, 1);
  // A sink that says something after a second would have said it before this one.
  const other = await begun(1, 1);
  await other.written;
  await sink.closeBands(Buffer.from('0000'));
  await written;
  expect(writes).toEqual(['0000']);
  await other.sink.closeBands(NONE);
});
