/** How the workers of a process tell each other which index files they hold. */
import { BroadcastChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { CopyParts } from './index-copy.ts';

type IndexMessage =
  /** Sent by a worker that has just begun: the others answer with what they hold. */
  | { readonly type: 'join' }
  /** A copy that was read, has new tables, or is held again. */
  | { readonly type: 'held'; readonly parts: CopyParts }
  | { readonly type: 'dropped'; readonly drop: Drop };

/** Which copy was dropped, and the use of it that the sender took for the last. */
export interface Drop {
  readonly path: string;
  readonly serial: bigint;
  readonly lastUse: bigint;
}

export interface ExchangeListener {
  onJoin(): void;
  onHeld(parts: CopyParts): void;
  onDropped(drop: Drop): void;
  /** Every message that has come was taken. */
  onReceived(): void;
}

/**
 * Messages are taken at once where a worker is about to look for a file, and by its event loop where it has nothing
 * to do, so that none pile up. The channel keeps no thread alive.
 */
export class IndexExchange {
  readonly #channel: BroadcastChannel;
  readonly #listener: ExchangeListener;

  /** @param name the same for all who share */
  constructor(name: string, listener: ExchangeListener) {
    this.#listener = listener;
    this.#channel = new BroadcastChannel(name);
    this.#channel.onmessage = ({ data }: MessageEvent) => this.#takeAll(data as IndexMessage);
    this.#channel.unref();
    this.#post({ type: 'join' });
  }

  /** Takes every message that has come; 0.15 µs where none has. */
  receive(): void {
    const first = this.#next();
    if (first) this.#takeAll(first);
  }

  held(parts: CopyParts): void {
    this.#post({ type: 'held', parts });
  }

  dropped(drop: Drop): void {
    this.#post({ type: 'dropped', drop });
  }

  close(): void {
    this.#channel.close();
  }

  #next(): IndexMessage | undefined {
    // Node takes channels here too; its types name ports alone.
    return receiveMessageOnPort(this.#channel as unknown as MessagePort)?.message as IndexMessage | undefined;
  }

  #takeAll(first: IndexMessage): void {
    for (let message: IndexMessage | undefined = first; message; message = this.#next()) this.#take(message);
    this.#listener.onReceived();
  }

  #take(message: IndexMessage): void {
    if (message.type === 'held') this.#listener.onHeld(message.parts);
    else if (message.type === 'dropped') this.#listener.onDropped(message.drop);
    else this.#listener.onJoin();
  }

  #post(message: IndexMessage): void {
    this.#channel.postMessage(message);
  }
}
