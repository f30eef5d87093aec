/** What a client may make the server remember: on a connection no door bounds what it says. */
import { expect, test } from 'vitest';
import { Pace } from '../../src/pack/pace.ts';
import { PacketInput } from '../../src/protocol/packet-input.ts';
import { ByteSink } from '../../src/upload-pack/byte-sink.ts';
import { newStatistics } from '../../src/upload-pack/statistics.ts';
import { UploadPack } from '../../src/upload-pack/upload-pack.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { DELIM, FLUSH, pkt } from '../support/requests.ts';

const repository = createRepository(temporaryDirectory(), 'a.git');
const history = new History();
history.commit({ branch: 'main', files: { a: 'a\n' } });
history.importInto(repository);
const tip = git(repository, ['rev-parse', 'main']);

async function answer(version: 0 | 2, ...parts: readonly (string | Buffer)[]) {
  const statistics = newStatistics('none');
  const input = PacketInput.of(Buffer.concat(parts.map((part) => Buffer.from(part))));
  const exchange = { sink: new ByteSink(() => {}), pace: new Pace(), statistics };
  await new UploadPack(repository).answer(version, input, exchange);
  return statistics;
}

/** As many of the longest lines as take somewhat more than 96 MiB. */
function tooMuch(start: string): Buffer {
  return Buffer.alloc(97 * 2 ** 20, pkt(start.padEnd(65_516, 'x')));
}

test.each([
  ['version 2', 2, () => [pkt('command=ls-refs'), DELIM, tooMuch('ref-prefix ')]],
  ['version 0', 0, () => [pkt(`want ${tip}`), tooMuch('deepen-not ')]],
] as const)(
  'a request of %s that is too long is refused before all of it is there',
  async (_, version, parts) => {
    await expect(answer(version, ...parts())).rejects.toThrow('the request is too long');
  },
);

test.each([
  ['in number', () => pkt('agent=x').repeat(1000)],
  ['in length', () => pkt('agent='.padEnd(65_000, 'x')).repeat(17)],
])('capabilities are bounded %s', async (_, capabilities) => {
  const most = answer(2, pkt('command=ls-refs'), pkt('agent=x').repeat(999), DELIM, FLUSH);
  expect(await most).toMatchObject({ command: 'ls-refs' });
  const more = answer(2, pkt('command=ls-refs'), capabilities(), DELIM, FLUSH);
  await expect(more).rejects.toThrow('too many capabilities');
});

test('what a client says twice that it has counts once', async () => {
  const haves = pkt(`have ${tip}`).repeat(100);
  const statistics = await answer(0, pkt(`want ${tip}`), FLUSH, haves, pkt('done'));
  expect(statistics).toMatchObject({ command: 'fetch', haves: 1, common: 1 });
});
