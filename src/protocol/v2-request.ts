/**
 * The frame of a protocol v2 request (protocol section 1.3):
 *
 *   request = flush-pkt | *( command / capability ) [ delim-pkt *( argument ) ] flush-pkt
 *
 * Which commands, capabilities and arguments exist is decided by the upload-pack floor.
 */
import { protocolError } from '../errors.ts';
import { hungUp, type PacketInput } from './packet-input.ts';
import { packetText } from './pkt-line.ts';

/** One v2 request. All texts are byte strings (latin1) without their LF. */
export interface V2Request {
  readonly command: string;
  /** Every line before the delimiter but the command's, in order. */
  readonly capabilities: readonly string[];
  readonly args: readonly string[];
}

/** Lines that a request may have: a mirror of some hundred thousand refs sends one for each. */
const MOST_ARGUMENTS = 1_000_000;
const MOST_CAPABILITIES = 1000;

/**
 * The command that a request names in its first line, where clients put it; `none` where it is not there. For what
 * must know before the request is parsed.
 */
export function peekCommand(body: Uint8Array): string {
  const start = Buffer.from(body.subarray(0, 64)).toString('latin1');
  const line = start.slice(4, Number.parseInt(start.slice(0, 4), 16));
  return /^command=([!-~]+)/.exec(line)?.[1] ?? 'none';
}

/**
 * Reads one whole request.
 * @returns undefined for a request without a command: no bytes, or a lone flush
 * @throws PackhorseError `PACKHORSE_PROTOCOL`
 */
export async function readV2Request(input: PacketInput): Promise<V2Request | undefined> {
  let command: string | undefined;
  const capabilities: string[] = [];
  for (;;) {
    const packet = await input.next();
    if (!packet) {
      if (command === undefined && capabilities.length === 0) return undefined;
      throw hungUp();
    }
    if (packet.kind === 'data') {
      const line = packetText(packet.payload);
      if (!line.startsWith('command=')) {
        if (capabilities.length === MOST_CAPABILITIES) throw protocolError('too many capabilities');
        capabilities.push(line);
        continue;
      }
      const name = line.slice('command='.length);
      if (command !== undefined) {
        throw protocolError(`command '${name}' requested after already requesting command '${command}'`);
      }
      command = name;
      continue;
    }
    if (command === undefined) {
      if (packet.kind === 'flush' && capabilities.length === 0) return undefined;
      throw protocolError('no command requested');
    }
    const args = packet.kind === 'delim' ? await readArguments(input, command) : [];
    return { command, capabilities, args };
  }
}

async function readArguments(input: PacketInput, command: string): Promise<string[]> {
  const args: string[] = [];
  for (;;) {
    const coming = input.next();
    const packet = coming instanceof Promise ? await coming : coming; // a million times awaiting nothing takes a while
    if (packet?.kind === 'data') {
      if (args.length === MOST_ARGUMENTS) throw protocolError('too many arguments');
      args.push(packetText(packet.payload));
      continue;
    }
    if (packet?.kind === 'flush') return args;
    throw protocolError(`expected flush after ${command} arguments`);
  }
}
