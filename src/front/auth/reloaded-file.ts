/** A small file that is read again when it has changed. */
import fs from 'node:fs/promises';

/** Milliseconds. Clocks of file systems tick slowly: what is younger may have changed again without a trace. */
const SETTLED = 2000;

export class ReloadedFile<T> {
  readonly #path: string;
  readonly #parse: (content: Buffer) => T;
  #kept: { readonly stamp: string; readonly value: T } | undefined;

  /** @param parse throws an Error where the content is wrong */
  constructor(path: string, parse: (content: Buffer) => T) {
    this.#path = path;
    this.#parse = parse;
  }

  /**
   * What the file says now. What it said before does not count when it cannot be read any more, or is wrong: it may have
   * been changed to take something back.
   * @throws the system's error, or that of `parse`
   */
  async value(): Promise<T> {
    const { ino, size, mtimeNs, ctimeNs, ctimeMs } = await fs.stat(this.#path, { bigint: true });
    const stamp = `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
    if (this.#kept?.stamp === stamp) return this.#kept.value;
    const value = this.#parse(await fs.readFile(this.#path));
    const isSettled = Date.now() - Number(ctimeMs) > SETTLED;
    this.#kept = isSettled ? { stamp, value } : undefined;
    return value;
  }
}
