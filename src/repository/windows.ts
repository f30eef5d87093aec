/** Windows: aligned pieces of packs, read with `pread` and kept within a budget, the least recently used leaving first. */
import fs from 'node:fs';

/** Bytes of one window. */
export const WINDOW_BYTES = 64 * 1024;

export interface WindowSource {
  readonly fd: number;
  readonly size: number;
  /** Differs between all sources of this process. */
  readonly serial: number;
}

/**
 * A cache of windows, one for a thread. The bytes of a window are valid until the next call of `get`: memory of a
 * window that leaves is used again for the next one.
 */
export class WindowCache {
  readonly #limit: number;
  readonly #windows = new Map<number, Buffer>();
  #last = -1;
  #lastWindow: Buffer | undefined;

  /** @param budget bytes that all windows may hold together */
  constructor(budget: number) {
    this.#limit = Math.max(2, Math.floor(budget / WINDOW_BYTES));
  }

  /** The window with number `index` (its first byte is at `index * WINDOW_BYTES`); the last of a file is shorter. */
  get(source: WindowSource, index: number): Buffer {
    const key = source.serial * 2 ** 24 + index;
    if (key === this.#last && this.#lastWindow) return this.#lastWindow;
    let window = this.#windows.get(key);
    if (window) this.#windows.delete(key);
    else window = this.#read(source, index);
    this.#windows.set(key, window);
    this.#last = key;
    this.#lastWindow = window;
    return window;
  }

  #read(source: WindowSource, index: number): Buffer {
    let memory: ArrayBuffer | undefined;
    if (this.#windows.size >= this.#limit) {
      const [oldest, window] = this.#windows.entries().next().value!;
      this.#windows.delete(oldest);
      memory = window.buffer as ArrayBuffer;
    }
    memory ??= new ArrayBuffer(WINDOW_BYTES);
    const at = index * WINDOW_BYTES;
    const window = Buffer.from(memory, 0, Math.max(0, Math.min(WINDOW_BYTES, source.size - at)));
    readFully(source.fd, window, at);
    return window;
  }
}

/**
 * Reads `into.length` bytes at `at`.
 * @throws Error when the file ends before
 */
export function readFully(fd: number, into: Uint8Array, at: number): void {
  for (let done = 0; done < into.length; ) {
    const n = fs.readSync(fd, into, done, into.length - done, at + done);
    if (n === 0) throw new Error(`a file ended at ${at + done}, ${into.length - done} bytes early`);
    done += n;
  }
}
