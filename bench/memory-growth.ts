/** How much memory a clone costs the service, over what it holds when it is idle. */
import { type FetchOptions, type FetchResult, GitClient } from './client.ts';
import { followPeak, residentBytes } from './measure.ts';

export interface Growth {
  readonly clone: FetchResult;
  /** Resident bytes of the idle service, and the most there were during the clone. */
  readonly idle: number;
  readonly peak: number;
  /** Bytes from the one to the other. */
  readonly growth: number;
}

export interface GrowthOptions extends FetchOptions {
  /** Process of the service, and its `http://host:port`. */
  readonly pid: number;
  readonly url: string;
  /** Path of a small repository whose clone warms the service up, and of the one to be measured. */
  readonly warmUp: string;
  readonly repository: string;
}

export async function measureGrowth({
  pid,
  url,
  warmUp,
  repository,
  ...options
}: GrowthOptions): Promise<Growth> {
  await clone(`${url}/${warmUp}`);
  const idle = residentBytes(pid);
  const follower = followPeak(pid);
  const result = await clone(`${url}/${repository}`, options);
  const peak = follower.stop();
  return { clone: result, idle, peak, growth: peak - idle };
}

async function clone(url: string, options?: FetchOptions): Promise<FetchResult> {
  const client = new GitClient(url);
  try {
    return await client.clone(options);
  } finally {
    client.close();
  }
}
