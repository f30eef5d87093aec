/** Bytes in flight, over all streams: handed over by workers, not yet taken by clients. Each has a window of them. */
import { Tally } from './admission/tally.ts';

export interface StreamBudgetOptions {
  /** Bytes that one stream may have on their way. */
  readonly window: number;
  /** Bytes that all streams together may. */
  readonly limit: number;
}

/** Bytes of the least window: a worker sends a chunk when nothing else is on its way, however small the window. */
export const LEAST_WINDOW = 256 * 1024;
/** Share of the streams that one client may have. */
const CLIENT_SHARE = 0.5;
/** Share of the streams that may send packs: where clients take those slowly, listings are still sent. */
const PACK_SHARE = 0.75;

export class StreamBudget {
  readonly #options: StreamBudgetOptions;
  readonly #clients = new Tally();
  #streams = 0;
  #packs = 0;
  #bytes = 0;
  #high = 0;
  /** Streams whose client has everything to take that it may have. */
  stalled = 0;
  /** Whether the process has so little memory left that one pack has to end before another begins. */
  isShort = false;

  constructor(options: StreamBudgetOptions) {
    this.#options = options;
  }

  get limit(): number {
    return this.#options.limit;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The most bytes there ever were. */
  get high(): number {
    return this.#high;
  }

  /** Bytes that each stream may have on their way now. */
  get window(): number {
    const { limit, window } = this.#options;
    const share = Math.floor(limit / Math.max(1, this.#streams));
    return Math.min(window, Math.max(LEAST_WINDOW, share));
  }

  /** Whether another stream may be counted in. */
  get hasRoom(): boolean {
    return this.#streams < this.#most;
  }

  get hasRoomForPack(): boolean {
    const most = this.isShort ? 1 : Math.max(1, Math.floor(this.#most * PACK_SHARE));
    return this.#packs < most;
  }

  /**
   * Counts a stream in.
   * @param client who it is for, where that is known
   * @returns false where there is no room for another
   */
  open(client: string | undefined): boolean {
    const most = this.#most;
    if (!this.hasRoom) return false;
    if (client !== undefined && this.#clients.of(client) >= Math.max(1, most * CLIENT_SHARE)) return false;
    this.#streams++;
    if (client !== undefined) this.#clients.add(client);
    return true;
  }

  /** Lets a stream that was counted in send a pack; false where there is no room for another. */
  openPack(): boolean {
    if (!this.hasRoomForPack) return false;
    this.#packs++;
    return true;
  }

  /** @param hasPack whether it was let send one */
  close(client: string | undefined, hasPack: boolean): void {
    this.#streams--;
    if (hasPack) this.#packs--;
    if (client !== undefined) this.#clients.remove(client);
  }

  get #most(): number {
    return Math.max(1, Math.floor(this.#options.limit / LEAST_WINDOW));
  }

  add(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#high) this.#high = this.#bytes;
  }

  remove(bytes: number): void {
    this.#bytes -= bytes;
  }
}
