/** What a client says on standard input: no more is read ahead than a request may need. */
import type { Readable } from 'node:stream';
import { PacketInput } from '../protocol/packet-input.ts';
import type { Packet } from '../protocol/pkt-line.ts';
import type { Alarm } from './alarm.ts';

/** Bytes that may wait to be taken: more than the longest packet. */
const WINDOW = 256 * 1024;

export class ClientInput extends PacketInput {
  readonly #stream: Readable;
  readonly #alarm: Alarm;
  #waiting = 0;

  constructor(stream: Readable, alarm: Alarm) {
    super((bytes) => this.#taken(bytes));
    this.#stream = stream;
    this.#alarm = alarm;
    stream.on('data', (data: Buffer) => {
      this.#waiting += data.length;
      if (this.#waiting >= WINDOW) stream.pause();
      this.push(data);
    });
    stream.once('end', () => this.end());
    stream.once('error', (error) => this.fail(error));
  }

  override next(): Packet | undefined | Promise<Packet | undefined> {
    const packet = super.next();
    return packet instanceof Promise ? this.#alarm.during(packet) : packet;
  }

  override isAtEnd(): Promise<boolean> {
    return this.#alarm.during(super.isAtEnd());
  }

  /** What still comes is no one's. */
  close(): void {
    this.#stream.destroy();
  }

  #taken(bytes: number): void {
    this.#waiting -= bytes;
    if (this.#waiting < WINDOW) this.#stream.resume();
  }
}
