/** What a client has said is quoted to it byte for byte. */
import { describe, expect, it } from 'vitest';
import { asPackhorseError } from '../../src/errors.ts';
import { Pace } from '../../src/pack/pace.ts';
import { PacketInput } from '../../src/protocol/packet-input.ts';
import { ByteSink } from '../../src/upload-pack/byte-sink.ts';
import { newStatistics } from '../../src/upload-pack/statistics.ts';
import { UploadPack } from '../../src/upload-pack/upload-pack.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { createRepository } from '../support/history.ts';
import { FLUSH, pkt, v2Request } from '../support/requests.ts';

const server = new UploadPack(createRepository(temporaryDirectory(), 'a.git'));

async function ask(version: 0 | 2, request: string): Promise<string> {
  const parts: Uint8Array[] = [];
  const sink = new ByteSink((bytes) => void parts.push(bytes));
  const exchange = { sink, pace: new Pace(), statistics: newStatistics('none') };
  try {
    await server.answer(version, PacketInput.of(Buffer.from(request)), exchange);
  } catch (error) {
    await sink.sendFailure(asPackhorseError(error));
  }
  return Buffer.concat(parts).toString();
}

describe('a line that is not understood', () => {
  it.each<[0 | 2, string]>([
    [0, pkt('größe\n') + FLUSH],
    [0, pkt('deepen größe\n') + FLUSH],
    [2, v2Request('fetch', ['größe'])],
    [2, v2Request('ls-refs', ['größe'])],
    [2, v2Request('größe')],
    [2, v2Request('fetch', [], ['größe'])],
    [2, v2Request('fetch', ['deepen größe'])],
    [2, v2Request('fetch', ['deepen-not größe', `want ${'1'.repeat(40)}`])],
  ])('in protocol v%d: %j', async (version, request) => {
    expect(await ask(version, request)).toMatch(/^[0-9a-f]{4}ERR .*größe|not our ref/);
  });
});
