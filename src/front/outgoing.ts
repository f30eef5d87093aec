/** What goes out to one client: held back until it is known whether it may, then written, and counted. */
import type { Writable } from 'node:stream';
import type { StreamBudget } from './stream-budget.ts';

interface Piece {
  readonly bytes: Uint8Array;
  readonly taken: () => void;
}

/** Bytes. An answer that is longer than this is no refusal, so it need not wait for its end. */
const MOST_HELD = 64 * 1024;

export class Outgoing {
  readonly #stream: Writable;
  readonly #budget: StreamBudget;
  /** Called once, before the first byte. */
  readonly #begin: () => void;
  #held: Piece[] | undefined = [];
  #heldBytes = 0;
  #begun = false;
  /** Whether anything has been written since it was last held back. */
  #hasSent = false;
  #hasEnded = false;
  #open = true;
  #bytes = 0;
  #unsent = 0;
  /** When the client took something last, or there was something to take again; milliseconds. */
  #moved = 0;

  constructor(stream: Writable, budget: StreamBudget, begin: () => void) {
    this.#stream = stream;
    this.#budget = budget;
    this.#begin = begin;
  }

  /** Whether anything of this answer has been written. */
  get hasSent(): boolean {
    return this.#hasSent;
  }

  get open(): boolean {
    return this.#open;
  }

  /** Whether there is something that waits until it may leave. */
  get holds(): boolean {
    return this.#heldBytes > 0;
  }

  /** Bytes written so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes handed over that the client has not taken. */
  get unsent(): number {
    return this.#unsent;
  }

  /** Seconds for which the client has taken nothing of what there is. */
  get stalled(): number {
    return this.#unsent === 0 || this.#held ? 0 : (performance.now() - this.#moved) / 1000;
  }

  /** @param taken called when the client's side of the connection has the bytes */
  write(bytes: Uint8Array, taken: () => void = () => {}): void {
    if (!this.#open || this.#hasEnded || bytes.length === 0) return;
    if (this.#unsent === 0) this.#moved = performance.now();
    this.#unsent += bytes.length;
    this.#budget.add(bytes.length);
    if (!this.#held) {
      this.#send({ bytes, taken });
      return;
    }
    this.#held.push({ bytes, taken });
    this.#heldBytes += bytes.length;
    if (this.#heldBytes > MOST_HELD) this.release();
  }

  /** Holds back what is written from now on: another answer. */
  hold(): void {
    this.#held ??= [];
    this.#hasSent = false;
  }

  /** Lets go what was held, and what comes. */
  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    this.#heldBytes = 0;
    if (held.length > 0) this.#moved = performance.now();
    for (const piece of held) this.#send(piece);
  }

  /** Forgets what was held. */
  discard(): void {
    for (const { bytes } of this.#held ?? []) this.#taken(bytes.length);
    this.#held = undefined;
    this.#heldBytes = 0;
  }

  /** Ends the stream, once it has begun. */
  end(): void {
    this.release();
    this.begin();
    this.#hasEnded = true;
    this.#stream.end();
  }

  begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#begin();
  }

  /** Says that the stream has ended, or its client is gone: no byte is on its way any more. */
  close(): void {
    this.#open = false;
    this.#held = undefined;
    this.#heldBytes = 0;
    this.#budget.remove(this.#unsent);
    this.#unsent = 0;
  }

  #send({ bytes, taken }: Piece): void {
    if (!this.#open) return;
    this.begin();
    this.#hasSent = true;
    this.#bytes += bytes.length;
    this.#stream.write(bytes, (error) => {
      // After the stream's close its bytes are not counted any more, and not all callbacks come.
      if (error || !this.#open) return;
      this.#taken(bytes.length);
      taken();
    });
  }

  #taken(bytes: number): void {
    this.#unsent -= bytes;
    this.#moved = performance.now();
    this.#budget.remove(bytes);
  }
}
