/** Standard output, where the system takes bytes when the client does. */
import type { Writable } from 'node:stream';

export class Output {
  readonly #stream: Writable;
  #error: NodeJS.ErrnoException | undefined;

  /** @param onBroken told once that nothing more can be written */
  constructor(stream: Writable, onBroken: () => void) {
    this.#stream = stream;
    stream.on('error', (error) => {
      this.#error ??= error;
      onBroken();
    });
  }

  /** Whether the one who reads has gone. */
  get isAbandoned(): boolean {
    return this.#error?.code === 'EPIPE';
  }

  /** Resolves when the system has taken the bytes. */
  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#stream.write(bytes, (error) => {
        if (!error) return resolve();
        this.#error ??= error;
        reject(error);
      });
    });
  }
}
