/** One sample of a server: what a request costs it. */
import { DiscardingClient } from '../discarding-client.ts';
import { Frames } from '../frames.ts';
import { cpuSeconds, followPeak } from '../measure.ts';
import type { Service } from '../service.ts';
import { timeUploadPack, type UploadPack } from '../upload-pack.ts';
import type { Workload } from './workload.ts';

export interface Sample {
  /** Wall and CPU (user and system, of all its processes) of one request. */
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** The most resident bytes of all its processes. */
  readonly peak: number;
}

/**
 * Seconds. Short requests are made again and again for so long, one after the other, and the mean is what counts: CPU
 * time is known to 10 ms only.
 */
const LEAST_SECONDS = 1;
/** Milliseconds: the service is one long process, whose own mark of the kernel's says it all. */
const PEAK_INTERVAL = 1000;

export async function askService(
  service: Service,
  { repository, request }: Workload,
  onBytes: (bytes: Buffer) => void,
): Promise<void> {
  const client = await DiscardingClient.connect(service.url, repository.name);
  try {
    await client.post(request, onBytes);
  } finally {
    client.close();
  }
}

/** @throws Error when an answer has not so many bytes */
export async function sampleService(
  service: Service,
  { repository, request, answer }: Workload,
  bytes: number,
): Promise<Sample> {
  const client = await DiscardingClient.connect(service.url, repository.name);
  const follower = followPeak(service.pid, PEAK_INTERVAL);
  const cpuBefore = cpuSeconds(service.pid);
  const start = performance.now();
  let requests = 0;
  let seconds = 0;
  try {
    while (seconds < LEAST_SECONDS) {
      const came = answer === 'refs' ? await countBytes(client, request) : await countPack(client, request);
      if (came !== bytes) throw new Error(`an answer of ${came} bytes, after one of ${bytes}`);
      requests++;
      seconds = (performance.now() - start) / 1000;
    }
  } finally {
    client.close();
  }
  const cpu = cpuSeconds(service.pid) - cpuBefore;
  return { seconds: seconds / requests, cpuSeconds: cpu / requests, peak: follower.stop() };
}

/**
 * @param requestFile holds the request
 * @param like an earlier sample, which says how long a request takes; undefined for a single request
 */
export async function sampleGit(
  uploadPack: UploadPack,
  requestFile: string,
  like: Sample | undefined,
): Promise<Sample> {
  const times = like === undefined ? 1 : Math.ceil(LEAST_SECONDS / like.seconds);
  const { seconds, cpuSeconds, peak } = await timeUploadPack(uploadPack, requestFile, times);
  return { seconds: seconds / times, cpuSeconds: cpuSeconds / times, peak };
}

async function countBytes(client: DiscardingClient, request: Buffer): Promise<number> {
  let count = 0;
  await client.post(request, (bytes) => {
    count += bytes.length;
  });
  return count;
}

async function countPack(client: DiscardingClient, request: Buffer): Promise<number> {
  const frames = new Frames();
  await client.post(request, (bytes) => frames.push(bytes));
  frames.end();
  return frames.packBytes;
}
