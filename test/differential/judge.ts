/** The two programs: `git upload-pack` as a process, Packhorse in this one. */
import { asPackhorseError } from '../../src/errors.ts';
import { Pace } from '../../src/pack/pace.ts';
import { PacketInput } from '../../src/protocol/packet-input.ts';
import { RepositoryCaches } from '../../src/repository/repository-caches.ts';
import { fatalText } from '../../src/stdio/fatal.ts';
import { ByteSink } from '../../src/upload-pack/byte-sink.ts';
import { newStatistics } from '../../src/upload-pack/statistics.ts';
import { UploadPack } from '../../src/upload-pack/upload-pack.ts';
import { type Ended, type Program, protocol, runProgram } from '../stdio/upload-pack.ts';
import type { Cell } from './coverage.ts';

/** How a program is talked to: `advertise` is the first request of a stateless client. */
export interface Door {
  readonly version: Cell['version'];
  readonly stateless: boolean;
  readonly advertise?: boolean;
}

export interface Response {
  readonly bytes: Buffer;
  readonly code: Ended['status'];
  /** What the server's own log says. */
  readonly stderr: string;
}

/**
 * The judge's own settings. Where it has a commit-graph, it does not cut history at the client's shallow commits when
 * it works out `ready`; without, it does, as Packhorse always does.
 */
const JUDGE = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'core.commitGraph', GIT_CONFIG_VALUE_0: 'false' };

/** Has a program answer the bytes, which is given the flags of `git upload-pack`. */
export async function runUploadPack(
  program: Program,
  directory: string,
  { version, stateless, advertise }: Door,
  bytes: Buffer,
): Promise<Response> {
  const flags = advertise ? ['--http-backend-info-refs'] : stateless ? ['--stateless-rpc'] : [];
  const { stdout, status, stderr } = await runProgram(program, [...flags, directory], {
    input: bytes,
    environment: { ...JUDGE, ...protocol(version) },
  });
  return { bytes: stdout, code: status, stderr };
}

const caches = new RepositoryCaches();

/** The same, without a process: what the stdio door does with an error is done here. */
export async function askPackhorse(
  directory: string,
  { version, stateless, advertise }: Door,
  bytes: Uint8Array,
): Promise<Response> {
  const parts: Uint8Array[] = [];
  const sink = new ByteSink((part) => void parts.push(part));
  const pace = new Pace();
  const input = PacketInput.of(bytes);
  const exchange = { sink, pace, statistics: newStatistics('none') };
  const server = new UploadPack(directory, { caches });
  let error = '';
  try {
    if (advertise) await server.advertise(version, exchange);
    else if (stateless) await server.answer(version, input, exchange);
    else
      await server.converse(version, {
        sink,
        pace,
        input,
        begin: () => newStatistics('none'),
        answered() {},
      });
  } catch (thrown) {
    const known = asPackhorseError(thrown);
    error = `fatal: ${fatalText(thrown, directory)}\n`;
    // A defect is to be seen where it is.
    if (known.code === 'PACKHORSE_INTERNAL') throw thrown;
    await sink.sendFailure(known);
  }
  return { bytes: Buffer.concat(parts), code: error ? 128 : 0, stderr: error };
}
