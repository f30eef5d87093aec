/** The two programs: `git upload-pack` as a process, Packhorse in this one. */
import { spawn } from 'node:child_process';
import { asPackhorseError } from '../../src/errors.ts';
import { Pace } from '../../src/pack/pace.ts';
import { PacketInput } from '../../src/protocol/packet-input.ts';
import { RepositoryCaches } from '../../src/repository/repository-caches.ts';
import { ByteSink } from '../../src/upload-pack/byte-sink.ts';
import { newStatistics } from '../../src/upload-pack/statistics.ts';
import { UploadPack } from '../../src/upload-pack/upload-pack.ts';
import { GIT_ENVIRONMENT } from '../support/git.ts';
import type { Cell } from './coverage.ts';

/** How a program is talked to: `advertise` is the first request of a stateless client. */
export interface Door {
  readonly version: Cell['version'];
  readonly stateless: boolean;
  readonly advertise?: boolean;
}

export interface Response {
  readonly bytes: Buffer;
  readonly code: number;
  /** What the server's own log says. */
  readonly stderr: string;
}

/**
 * The judge's own settings. Where it has a commit-graph, it does not cut history at the client's shallow commits when
 * it works out `ready`; without, it does, as Packhorse always does.
 */
const JUDGE = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'core.commitGraph', GIT_CONFIG_VALUE_0: 'false' };

/** Runs a program with the bytes as its input; `command` is itself and what comes before the flags. */
export function runUploadPack(
  [program, ...args]: readonly string[],
  directory: string,
  { version, stateless, advertise }: Door,
  bytes: Uint8Array,
): Promise<Response> {
  const flags = advertise ? ['--http-backend-info-refs'] : stateless ? ['--stateless-rpc'] : [];
  const child = spawn(program, [...args, ...flags, directory], {
    env: { ...GIT_ENVIRONMENT, ...JUDGE, GIT_PROTOCOL: `version=${version}` },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (data: Buffer) => stdout.push(data));
  child.stderr.on('data', (data: Buffer) => stderr.push(data));
  // It may end before it has read everything.
  child.stdin.on('error', () => {});
  child.stdin.end(bytes);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) =>
      resolve({
        bytes: Buffer.concat(stdout),
        code: code ?? -1,
        stderr: Buffer.concat(stderr).toString('latin1'),
      }),
    );
  });
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
    error = `fatal: ${known.message}\n`;
    // A defect is to be seen where it is.
    if (known.code === 'PACKHORSE_INTERNAL') throw thrown;
    await sink.sendFailure(known.client);
  }
  return { bytes: Buffer.concat(parts), code: error ? 128 : 0, stderr: error };
}
