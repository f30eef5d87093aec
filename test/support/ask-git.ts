/** `git upload-pack` as the judge of what the library answers. */
import { spawnSync } from 'node:child_process';
import { type UploadPackOptions, UploadPackV2 } from '../../src/index.ts';
import { Pace } from '../../src/pack/pace.ts';
import { ByteSink } from '../../src/upload-pack/byte-sink.ts';
import { newStatistics } from '../../src/upload-pack/statistics.ts';
import { UploadPack } from '../../src/upload-pack/upload-pack.ts';
import { GIT_ENVIRONMENT } from './git.ts';

/** What git answers to a request of protocol v2, a byte string; throws with what it says when it fails. */
export function askGit(
  directory: string,
  request: Uint8Array,
  flags: readonly string[] = [],
  environment: NodeJS.ProcessEnv = {},
): string {
  const args = ['upload-pack', '--stateless-rpc', ...flags, directory];
  return runGit(args, { GIT_PROTOCOL: 'version=2', ...environment }, request);
}

function runGit(args: readonly string[], environment: NodeJS.ProcessEnv, input: Uint8Array): string {
  const env = { ...GIT_ENVIRONMENT, ...environment };
  const { status, stdout, stderr } = spawnSync('git', args, { cwd: '/', env, input });
  // It may end without having read the request.
  if (status !== 0) throw new Error(`git upload-pack failed: ${stderr}`);
  return stdout.toString('latin1');
}

/** What Packhorse answers. */
export async function askPackhorse(
  directory: string,
  request: Uint8Array,
  options: UploadPackOptions = {},
): Promise<string> {
  return Buffer.from(await new UploadPackV2(directory, options).feed(request)).toString('latin1');
}

/** What git lists of a repository in protocol v0, a byte string, less who it is. */
export function advertisedByGit(directory: string, environment: NodeJS.ProcessEnv = {}): string {
  const args = ['upload-pack', '--stateless-rpc', '--advertise-refs', directory];
  return withoutAgent(runGit(args, { GIT_PROTOCOL: '', ...environment }, Buffer.alloc(0)));
}

/** What Packhorse lists. */
export async function advertisedByPackhorse(
  directory: string,
  options: UploadPackOptions = {},
): Promise<string> {
  const parts: Uint8Array[] = [];
  const sink = new ByteSink((bytes) => void parts.push(Buffer.from(bytes)));
  const exchange = { sink, pace: new Pace(), statistics: newStatistics('none') };
  await new UploadPack(directory, options).advertise(0, exchange);
  return withoutAgent(Buffer.concat(parts).toString('latin1'));
}

function withoutAgent(advertisement: string): string {
  return advertisement.replace(/^.{4}/, '').replace(/ agent=\S+/, '');
}
