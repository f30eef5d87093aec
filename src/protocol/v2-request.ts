/**
 * The frame of a protocol v2 request (protocol section 1.3):
 *
 *   request = flush-pkt | *( command / capability ) [ delim-pkt *( argument ) ] flush-pkt
 *
 * Which commands, capabilities and arguments exist is decided by the upload-pack floor.
 */
import { hungUp, protocolError } from '../errors.ts';
import type { LineBudget } from './line-budget.ts';
import type { PacketInput } from './packet-input.ts';
import { packetText } from './pkt-line.ts';

/** One v2 request. All texts are byte strings (latin1) without their LF. */
export interface V2Request {
  /** The lines before the delimiter, in order: `command=<name>`, and capabilities. */
  readonly head: readonly string[];
  readonly args: Arguments;
  /** Why it could not be read to its end; what is wrong with its head comes before that. */
  readonly failure?: unknown;
}

/** What stands behind the delimiter; it is read as it is asked for, so that no one keeps what need not be kept. */
export class Arguments {
  readonly #input: PacketInput | undefined;
  readonly #budget: LineBudget;

  /** @param input undefined where there is no delimiter */
  constructor(input: PacketInput | undefined, budget: LineBudget) {
    this.#input = input;
    this.#budget = budget;
  }

  /**
   * Hands over each line, in order; what `take` returns is awaited. To be called once.
   * @returns whether a flush ends them, as it must
   * @throws PackhorseError `PACKHORSE_PROTOCOL`, and what `take` throws
   */
  async each(take: (line: string) => void | Promise<void>): Promise<boolean> {
    if (!this.#input) return true;
    for (;;) {
      const coming = this.#input.next();
      const packet = coming instanceof Promise ? await coming : coming; // a million times awaiting nothing takes a while
      if (packet?.kind !== 'data') return packet?.kind === 'flush';
      this.#budget.count();
      const taken = take(packetText(packet.payload));
      if (taken) await taken;
    }
  }
}

const MOST_HEAD_LINES = 1000;
/** They are kept while the arguments are read. */
const MOST_HEAD_BYTES = 1024 * 1024;

/** Clients put the command first, or behind the few capabilities that they give. */
const MOST_PEEKED = 1024;

/** The command that a request names near its start; `none` where it does not. For what must know before it is parsed. */
export function peekCommand(body: Uint8Array): string {
  const start = Buffer.from(body.subarray(0, MOST_PEEKED)).toString('latin1');
  for (let at = 0; at < start.length; ) {
    const length = Number.parseInt(start.slice(at, at + 4), 16);
    if (!(length > 4)) break;
    const command = /^command=([!-~]+)/.exec(start.slice(at + 4, at + length))?.[1];
    if (command !== undefined) return command;
    at += length;
  }
  return 'none';
}

/**
 * Reads a request up to its arguments.
 * @returns undefined for no request at all: no bytes, or a lone flush
 * @throws PackhorseError `PACKHORSE_PROTOCOL` where not even its first line can be read
 */
export async function readV2Request(input: PacketInput, budget: LineBudget): Promise<V2Request | undefined> {
  const head: string[] = [];
  let bytes = 0;
  const none = new Arguments(undefined, budget);
  try {
    for (;;) {
      const packet = await input.next();
      if (packet?.kind === 'data') {
        bytes += packet.payload.length;
        if (head.length === MOST_HEAD_LINES || bytes > MOST_HEAD_BYTES) {
          throw protocolError('too many capabilities');
        }
        const line = packetText(packet.payload);
        budget.keepText(line);
        head.push(line);
        continue;
      }
      if (packet?.kind === 'delim') return { head, args: new Arguments(input, budget) };
      if (head.length === 0) return undefined;
      if (!packet) throw hungUp();
      return { head, args: none };
    }
  } catch (failure) {
    if (head.length === 0) throw failure;
    return { head, args: none, failure };
  }
}
