/** How the workers of a process tell each other which index files they hold. */
import { BroadcastChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { CopyParts } from './index-copy.ts';

type IndexMessage =
  /** Sent by a worker that has just begun: the others answer with what they hold. */
  | { readonly type: 'join' }
  /** A copy that was read, has new tables, or is held again. */
  | { readonly type: 'held'; readonly parts: CopyParts }
  | { readonly type: 'dropped'; readonly path: string; readonly serial: bigint };

export interface ExchangeListener {
  onJoin(): void;
  onHeld(parts: CopyParts): void;
  onDropped(path: string, serial: bigint): void;
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
    this.#channel.onmessage = ({ data }: MessageEvent) => this.#take(data as IndexMessage);
    this.#channel.unref();
    this.#post({ type: 'join' });
  }

  /** Takes every message that has come; 0.15 µs where none has. */
  receive(): void {
    // Node takes channels here too; its types name ports alone.
    const port = this.#channel as unknown as MessagePort;
    for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port)) {
      this.#take(next.message as IndexMessage);
    }
  }

  held(parts: CopyParts): void {
    this.#post({ type: 'held', parts });
  }

  dropped(path: string, serial: bigint): void {
    this.#post({ type: 'dropped', path, serial });
  }

  close(): void {
    this.#channel.close();
  }

  #take(message: IndexMessage): void {
    if (message.type === 'held') this.#listener.onHeld(message.parts);
    else if (message.type === 'dropped') this.#listener.onDropped(message.path, message.serial);
    else this.#listener.onJoin();
  }

  #post(message: IndexMessage): void {
    this.#channel.postMessage(message);
  }
}
