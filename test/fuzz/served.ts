/** A repository that targets ask, and what must be true of its answers. */
import fs from 'node:fs';
import path from 'node:path';
import { asPackhorseError, type PackhorseError } from '../../src/errors.ts';
import { Pace } from '../../src/pack/pace.ts';
import { PacketInput } from '../../src/protocol/packet-input.ts';
import type { ProtocolVersion } from '../../src/protocol/version.ts';
import { ByteSink } from '../../src/upload-pack/byte-sink.ts';
import { newStatistics } from '../../src/upload-pack/statistics.ts';
import { UploadPack } from '../../src/upload-pack/upload-pack.ts';
import { copyFixture } from '../support/fixtures.ts';
import { scratchDirectory } from './scratch.ts';
import { isDocumented, must } from './target.ts';

const CONFIG = `[uploadpack]
	allowFilter
	allowRefInWant
	allowSidebandAll
	allowTipSHA1InWant
[lsrefs]
	unborn = advertise
`;

/** What a client was sent, and why it ended if it failed. */
export interface Answer {
  readonly bytes: Buffer;
  readonly error: PackhorseError | undefined;
}

/** A server of a copy of a fixture in which everything is allowed that a client may ask for. */
export function serveFixture(name: string): UploadPack {
  return new UploadPack(makeServed(name));
}

/** The copy. */
export function makeServed(name: string): string {
  const directory = copyFixture(scratchDirectory(), name);
  fs.appendFileSync(path.join(directory, 'config'), CONFIG);
  return directory;
}

/** The whole answer to a request; a failure is in it as the client would see it. */
export async function ask(
  server: UploadPack,
  version: ProtocolVersion,
  request: Uint8Array,
): Promise<Answer> {
  const input = PacketInput.of(request);
  const statistics = newStatistics('none');
  return answered((sink) => server.answer(version, input, { sink, pace: new Pace(), statistics }));
}

async function answered(answer: (sink: ByteSink) => Promise<void>): Promise<Answer> {
  const parts: Uint8Array[] = [];
  const sink = new ByteSink((bytes) => void parts.push(bytes));
  let error: PackhorseError | undefined;
  try {
    await answer(sink);
  } catch (thrown) {
    error = asPackhorseError(thrown);
    if (!isDocumented(error)) throw thrown;
    await sink.sendFailure(error);
  }
  return { bytes: Buffer.concat(parts), error };
}

/** The answer is whole packets, but for a pack that a client of version 0 gets without bands. */
export function mustBePackets({ bytes }: Answer): void {
  for (let at = 0; at < bytes.length; ) {
    const text = bytes.toString('latin1', at, at + 4);
    if (text === 'PACK') return;
    const length = Number.parseInt(text, 16);
    must(/^[0-9a-f]{4}$/.test(text) && length !== 3, 'an answer is packets');
    must(at + length <= bytes.length, 'the last packet of an answer is whole');
    at += Math.max(4, length);
  }
}

/** The same on a connection, where the client first gets an advertisement. */
export async function converse(
  server: UploadPack,
  version: ProtocolVersion,
  requests: Uint8Array,
): Promise<Answer> {
  return answered((sink) =>
    server.converse(version, {
      sink,
      pace: new Pace(),
      input: PacketInput.of(requests),
      begin: () => newStatistics('none'),
      answered() {},
    }),
  );
}
