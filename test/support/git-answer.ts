/** `git upload-pack` in protocol version 2: what it says to the bytes of one request. */
import { spawnSync } from 'node:child_process';
import { GIT_ENVIRONMENT } from './git.ts';

export interface GitAnswer {
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Never throws: a request that git refuses is one of the answers. */
export function gitAnswer(
  repository: string,
  request: Uint8Array | string,
  environment: NodeJS.ProcessEnv = {},
): GitAnswer {
  const { stdout, stderr } = spawnSync('git', ['upload-pack', '--stateless-rpc', repository], {
    env: { ...GIT_ENVIRONMENT, GIT_PROTOCOL: 'version=2', ...environment },
    input: typeof request === 'string' ? Buffer.from(request, 'latin1') : request,
  });
  return { stdout, stderr: stderr.toString() };
}
