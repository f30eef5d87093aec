/** `git upload-pack` as the judge of what the library answers. */
import { spawnSync } from 'node:child_process';
import { type UploadPackOptions, UploadPackV2 } from '../../src/index.ts';
import { GIT_ENVIRONMENT } from './git.ts';

/** What git answers to a request of protocol v2, a byte string; throws with what it says when it fails. */
export function askGit(
  directory: string,
  request: Uint8Array,
  flags: readonly string[] = [],
  environment: NodeJS.ProcessEnv = {},
): string {
  const env = { ...GIT_ENVIRONMENT, GIT_PROTOCOL: 'version=2', ...environment };
  const args = ['upload-pack', '--stateless-rpc', ...flags, directory];
  const { status, stdout, stderr } = spawnSync('git', args, { cwd: '/', env, input: request });
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
