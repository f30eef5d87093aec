/** `git upload-pack` as an HTTP server runs it: a process a request, the request on its input. */
import { spawn } from 'node:child_process';
import { exitCode, GIT_ENVIRONMENT } from './git.ts';
import { endedChildrenCpuSeconds, followPeak } from './measure.ts';

export interface UploadPack {
  readonly directory: string;
  /** Settings as `name=value`. */
  readonly config: readonly string[];
}

export interface UploadPackCost {
  /** Wall and CPU seconds of all the requests, children included. */
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** The most resident bytes of the processes of one request. */
  readonly peak: number;
}

/** Milliseconds. The kernel keeps the marks of longer processes; the many short ones are met at many moments. */
const PEAK_INTERVAL = 20;

/** A shell starts git again and again, so that what Node needs to start a process is not measured. */
const REPEAT = `n=$1; shift
while [ "$n" -gt 0 ]; do "$@" <"$REQUEST" >/dev/null || exit 1; n=$((n-1)); done`;

/**
 * Answers one request.
 * @param onBytes gets the response; it is the only one to keep any of it
 * @throws Error when git fails
 */
export async function askUploadPack(
  uploadPack: UploadPack,
  request: Buffer,
  onBytes: (bytes: Buffer) => void,
): Promise<void> {
  const [command, ...args] = commandLine(uploadPack);
  const child = spawn(command, args, { env: GIT_ENVIRONMENT, stdio: ['pipe', 'pipe', 'inherit'] });
  const exit = exitCode(child);
  child.stdout.on('data', onBytes);
  child.stdin.end(request);
  const code = await exit;
  if (code !== 0) throw new Error(`git upload-pack ended with ${code}`);
}

/**
 * Answers the same request so many times, into /dev/null.
 * @param requestFile holds the request
 * @throws Error when git fails
 */
export async function timeUploadPack(
  uploadPack: UploadPack,
  requestFile: string,
  times: number,
): Promise<UploadPackCost> {
  const before = endedChildrenCpuSeconds();
  const start = performance.now();
  const child = spawn('sh', ['-c', REPEAT, 'sh', String(times), ...commandLine(uploadPack)], {
    env: { ...GIT_ENVIRONMENT, REQUEST: requestFile },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const exit = exitCode(child);
  const follower = followPeak(child.pid!, PEAK_INTERVAL);
  const code = await exit;
  const seconds = (performance.now() - start) / 1000;
  const peak = follower.stop();
  if (code !== 0) throw new Error(`git upload-pack ended with ${code}`);
  return { seconds, cpuSeconds: endedChildrenCpuSeconds() - before, peak };
}

function commandLine({ directory, config }: UploadPack): [string, ...string[]] {
  return ['git', ...config.flatMap((each) => ['-c', each]), 'upload-pack', '--stateless-rpc', directory];
}
