/** Protocol v2 requests and responses by hand. */

export const FLUSH = '0000';
export const DELIM = '0001';

export function pkt(text: string): string {
  return (Buffer.byteLength(text) + 4).toString(16).padStart(4, '0') + text;
}

/** A v2 request; arguments may be left out. */
export function v2Request(command: string, args?: readonly string[], capabilities: readonly string[] = []) {
  const head = [`command=${command}`, ...capabilities].map((line) => pkt(`${line}\n`)).join('');
  return args ? `${head}${DELIM}${args.map((line) => pkt(`${line}\n`)).join('')}${FLUSH}` : `${head}${FLUSH}`;
}

/** One whole request of a client that says who it is. */
export function encodeRequest(command: string, args: readonly string[]): Buffer {
  return Buffer.from(v2Request(command, args, ['agent=test/1', 'object-format=sha1']), 'latin1');
}

/** The packets of a response: text of each line (less its line feed), or `flush` and `delim`. */
export function decodePackets(response: Uint8Array): { text: string; bytes: Buffer }[] {
  const bytes = Buffer.from(response.buffer, response.byteOffset, response.byteLength);
  const packets: { text: string; bytes: Buffer }[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number.parseInt(bytes.toString('latin1', at, at + 4), 16);
    if (length < 4) {
      packets.push({ text: ['flush', 'delim'][length], bytes: Buffer.alloc(0) });
      at += 4;
      continue;
    }
    const payload = bytes.subarray(at + 4, at + length);
    if (payload.length !== length - 4) throw new Error('the response ends inside of a packet');
    packets.push({ text: payload.toString('latin1').replace(/\n$/, ''), bytes: payload });
    at += length;
  }
  return packets;
}

export interface FetchAnswer {
  /** Text lines before the pack, LF taken off; delimiters and flushes as `0001` and `0000`. */
  readonly lines: string[];
  readonly pack: Buffer;
  readonly progress: string;
  /** What came on band 3. */
  readonly lastWords: string;
  /** The same; where those are git's words, the reason that band 2 gave before them. */
  readonly error: string;
  /** Whether the last packet is a flush. */
  readonly complete: boolean;
}

/** What git says last where objects cannot be read. */
export const ABORTED = 'aborting due to possible repository corruption on the remote side.';

function reasonIn(progress: string): string {
  const [, reason] = /fatal: ([^\n]*)\n$/.exec(progress) ?? [];
  if (reason === undefined) throw new Error(`band 2 gives no reason: ${progress}`);
  return reason;
}

/** Takes the answer to a fetch apart; throws on bytes that are no pkt-lines. */
export function parseFetchAnswer(response: Uint8Array): FetchAnswer {
  const body = Buffer.from(response.buffer, response.byteOffset, response.byteLength);
  const lines: string[] = [];
  const bands: Buffer[][] = [[], [], [], []];
  let inPack = false;
  let last = '';
  for (let at = 0; at < body.length; ) {
    const text = body.toString('latin1', at, at + 4);
    const length = Number.parseInt(text, 16);
    if (!/^[0-9a-f]{4}$/.test(text) || length === 3 || at + length > body.length) {
      throw new Error(`no pkt-line at byte ${at} of ${body.length}`);
    }
    last = text;
    const payload = body.subarray(at + 4, at + length);
    at += Math.max(4, length);
    if (length < 4) {
      if (!inPack) lines.push(text);
    } else if (inPack) {
      bands[payload[0]].push(payload.subarray(1));
    } else {
      lines.push(payload.toString().replace(/\n$/, ''));
      inPack = lines.at(-1) === 'packfile';
    }
  }
  const [, pack, progress, error] = bands.map((parts) => Buffer.concat(parts));
  return {
    lines,
    pack,
    progress: progress.toString(),
    lastWords: error.toString(),
    error: error.toString().replace(/\0$/, '') === ABORTED ? reasonIn(progress.toString()) : error.toString(),
    complete: last === FLUSH,
  };
}
