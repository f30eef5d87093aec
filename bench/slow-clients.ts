/** Clients that read slowly, all at the same time. */
import { GitClient, type Transfer } from './client.ts';
import type { FetchQuery } from './request.ts';

export interface SlowClientsOptions {
  readonly clients: number;
  /** That each of them reads at. */
  readonly bytesPerSecond: number;
  /** Hash of the repository; `sha1` by default. */
  readonly format?: string;
}

export interface SlowClients {
  /**
   * Has all of them go away.
   * @returns bytes of packs that they got together
   * @throws Error when one of them got something else than the beginning of a sound answer
   */
  hangUp(): Promise<number>;
}

/**
 * Resolves when each of them has some of its pack.
 * @param url of the repository
 */
export async function startSlowClients(
  url: string,
  query: FetchQuery,
  { clients, bytesPerSecond, format = 'sha1' }: SlowClientsOptions,
): Promise<SlowClients> {
  const all = Array.from({ length: clients }, () => {
    const client = new GitClient(url, format);
    const { promise: begun, resolve, reject } = deferred<Transfer>();
    const onBytes = (packBytes: number, transfer: Transfer) => {
      if (packBytes > 0) resolve(transfer);
    };
    const ended = client.fetch(query, { bytesPerSecond, onBytes });
    ended.catch(reject);
    return { client, begun, ended };
  });
  const transfers = await Promise.all(all.map(({ begun }) => begun));
  return {
    async hangUp() {
      for (const transfer of transfers) transfer.hangUp();
      let received = 0;
      for (const { client, ended } of all) {
        received += (await ended).packBytes;
        client.close();
      }
      return received;
    },
  };
}

function deferred<T>() {
  let resolve: (value: T) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<T>((...settle) => {
    [resolve, reject] = settle;
  });
  return { promise, resolve, reject };
}
