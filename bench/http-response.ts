/** Reads an HTTP/1.1 response as it comes: a length or chunks. Only as much as a server of git answers. */

type State = 'status' | 'headers' | 'size' | 'data' | 'data end' | 'trailers' | 'done';

export class HttpResponse {
  readonly #onBody: (bytes: Buffer) => void;
  #state: State = 'status';
  #line = '';
  #status = 0;
  #chunked = false;
  /** Bytes of the body, or of the chunk, that are still to come. */
  #left = 0;
  #complaint = '';

  constructor(onBody: (bytes: Buffer) => void) {
    this.#onBody = onBody;
  }

  get done(): boolean {
    return this.#state === 'done';
  }

  /** @throws Error when the response is malformed, or has a status other than 200: when it is whole, with its text */
  push(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#state === 'data') {
        const n = Math.min(this.#left, bytes.length - at);
        this.#body(bytes.subarray(at, at + n));
        at += n;
        this.#left -= n;
        if (this.#left === 0) this.#state = this.#chunked ? 'data end' : 'done';
      } else if (this.#state === 'done') {
        throw new Error('the response goes on after its end');
      } else {
        const end = bytes.indexOf(0x0a, at);
        const stop = end < 0 ? bytes.length : end;
        this.#line += bytes.toString('latin1', at, stop);
        at = stop + 1;
        if (end >= 0) this.#endLine();
      }
    }
    if (this.done && this.#status !== 200) throw new Error(`${this.#status} ${this.#complaint}`);
  }

  #body(bytes: Buffer): void {
    if (this.#status === 200) this.#onBody(bytes);
    else this.#complaint += bytes.toString('utf8');
  }

  #endLine(): void {
    const line = this.#line.trimEnd();
    this.#line = '';
    if (this.#state === 'status') {
      this.#status = Number(line.split(' ')[1]);
      this.#state = 'headers';
    } else if (this.#state === 'headers') this.#header(line);
    else if (this.#state === 'size') {
      this.#left = Number.parseInt(line, 16);
      if (Number.isNaN(this.#left)) throw new Error(`a chunk has the size ${line}`);
      this.#state = this.#left > 0 ? 'data' : 'trailers';
    } else if (this.#state === 'data end') this.#state = 'size';
    else if (line === '') this.#state = 'done';
  }

  #header(line: string): void {
    if (line === '') {
      this.#state = this.#chunked ? 'size' : this.#left > 0 ? 'data' : 'done';
      return;
    }
    const [name, value] = line.toLowerCase().split(/:\s*/);
    if (name === 'content-length') this.#left = Number(value);
    if (name === 'transfer-encoding') this.#chunked = value === 'chunked';
  }
}
