/** `git upload-pack` as an HTTP server runs it: a process a request, the request on its input. */
import { spawn } from 'node:child_process';
import { exitCode, GIT_ENVIRONMENT } from './git.ts';
import { endedChildrenCpuSeconds, followPeak } from './measure.ts';

export interface UploadPackCost {
  /** CPU seconds and the most resident bytes of the process and its children. */
  readonly cpuSeconds: number;
  readonly peak: number;
}

/**
 * Answers one request.
 * @param config settings as `name=value`
 * @param onBytes gets the response; it is the only one to keep any of it
 * @throws Error when git fails
 */
export async function uploadPack(
  directory: string,
  config: readonly string[],
  request: Buffer,
  onBytes: (bytes: Buffer) => void,
): Promise<UploadPackCost> {
  const before = endedChildrenCpuSeconds();
  const settings = config.flatMap((setting) => ['-c', setting]);
  const child = spawn('git', [...settings, 'upload-pack', '--stateless-rpc', directory], {
    env: GIT_ENVIRONMENT,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exit = exitCode(child);
  const follower = followPeak(child.pid!);
  child.stdout.on('data', onBytes);
  child.stdin.end(request);
  const code = await exit;
  const peak = follower.stop();
  if (code !== 0) throw new Error(`git upload-pack ended with ${code}`);
  return { cpuSeconds: endedChildrenCpuSeconds() - before, peak };
}
