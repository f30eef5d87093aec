/** What a client's own task has found out, and what its pack cost whoever made it: the statistics of a command are both. */
import type { Statistics } from '../upload-pack/statistics.ts';
import type { CacheResult } from './stream-cache/stream-cache.ts';

export class PackAccount {
  /** What the task of the client has said last. */
  own: Statistics | undefined;
  /** What it had said when it began to wait for the pack, and when that was: milliseconds since 1970. */
  #waiting: { readonly statistics: Statistics; readonly since: number } | undefined;
  #came:
    | { readonly result: CacheResult; readonly built: Statistics | undefined; readonly pays: boolean }
    | undefined;

  /** The task waits for the pack from now on. */
  waits(statistics: Statistics): void {
    this.#waiting = { statistics, since: Date.now() };
  }

  /** The client has left while it waited; its task, which others need, will say no more of it. */
  left(): void {
    if (this.own || !this.#waiting) return;
    const { statistics, since: start } = this.#waiting;
    const end = Math.max(start, Date.now());
    const phases = { ...statistics.phases, queue: (end - start) / 1000 };
    this.own = { ...statistics, phases, spans: { ...statistics.spans, queue: { start, end } } };
  }

  /**
   * How the pack came, and what it cost, as far as that is known.
   * @param pays whether that is to be said of this client: who asked first, or is left of those who did
   */
  came(result: CacheResult, built?: Statistics, pays = true): void {
    this.#came = { result, built, pays };
  }

  /** Closes the account of a command. */
  close(): Statistics | undefined {
    const own = this.own;
    const came = this.#came;
    this.own = undefined;
    this.#waiting = undefined;
    this.#came = undefined;
    if (!came) return own;
    const { result, built, pays } = came;
    if (!built) return own && { ...own, cache: result };
    const ignored = [...new Set([...(own?.ignored ?? []), ...built.ignored])];
    if (pays || !own) return { ...built, ignored, cache: result };
    const objects = { ...own.objects, total: built.objects.total };
    return { ...own, ignored, objects, bytes: { ...own.bytes, total: built.bytes.total }, cache: result };
  }
}
