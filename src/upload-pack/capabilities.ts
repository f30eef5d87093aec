/** The capabilities of protocol v2, in git's order (protocol section 1.2). Adding one is adding a row. */
import { protocolError } from '../errors.ts';
import { encodePktLine, FLUSH } from '../protocol/pkt-line.ts';
import type { V2Request } from '../protocol/v2-request.ts';
import type { Repository } from '../repository/repository.ts';
import { AGENT } from '../version.ts';
import type { Command } from './command.ts';
import { fetch } from './fetch.ts';
import { allowsFilters } from './filters.ts';
import { lsRefs, unbornMode } from './ls-refs.ts';

interface Capability {
  readonly name: string;
  /** The value that is advertised: undefined for none of this capability, an empty string for a bare name. */
  readonly advertise: (repository: Repository) => string | undefined;
  /** Present where the capability is a command. */
  readonly command?: Command;
  /** Takes the value that a request gives; where it is absent, any is taken and ignored. */
  readonly receive?: (value: string | undefined, repository: Repository) => void;
}

const CAPABILITIES: readonly Capability[] = [
  { name: 'agent', advertise: () => AGENT },
  { name: 'ls-refs', advertise: advertiseUnborn, command: lsRefs },
  { name: 'fetch', advertise: advertiseFeatures, command: fetch },
  { name: 'server-option', advertise: () => '' },
  { name: 'object-format', advertise: (repository) => repository.format.name, receive: checkFormat },
];

export function encodeAdvertisement(repository: Repository): Uint8Array {
  const lines = ['version 2\n'];
  for (const { name, advertise } of CAPABILITIES) {
    const value = advertise(repository);
    if (value !== undefined) lines.push(value === '' ? `${name}\n` : `${name}=${value}\n`);
  }
  return Buffer.concat([...lines.map((line) => encodePktLine(line)), FLUSH]);
}

/**
 * The command that a request asks for.
 * @throws PackhorseError `PACKHORSE_PROTOCOL` when it, or a capability, is not one of those advertised
 */
export function findCommand(request: V2Request, repository: Repository): Command {
  const offered = CAPABILITIES.filter(({ advertise }) => advertise(repository) !== undefined);
  let format = false;
  for (const line of request.capabilities) {
    const [key, value] = splitOnce(line);
    const capability = offered.find(({ name, command }) => name === key && !command);
    if (!capability) throw protocolError(`unknown capability '${line}'`);
    capability.receive?.(value, repository);
    if (key === 'object-format') format = true;
  }
  const { command } = offered.find(({ name, command }) => name === request.command && command) ?? {};
  if (!command) throw protocolError(`invalid command '${request.command}'`);
  if (!format) checkFormat('sha1', repository);
  return command;
}

function splitOnce(line: string): [key: string, value: string | undefined] {
  const equals = line.indexOf('=');
  return equals < 0 ? [line, undefined] : [line.slice(0, equals), line.slice(equals + 1)];
}

function advertiseUnborn(repository: Repository): string {
  return unbornMode(repository.config) === 'advertise' ? 'unborn' : '';
}

function advertiseFeatures(repository: Repository): string {
  return allowsFilters(repository) ? 'shallow wait-for-done filter' : 'shallow wait-for-done';
}

function checkFormat(value: string | undefined, repository: Repository): void {
  if (value === undefined) throw protocolError('object-format capability requires an argument');
  if (value !== 'sha1' && value !== 'sha256') throw protocolError(`unknown object format '${value}'`);
  const { name } = repository.format;
  if (value !== name) throw protocolError(`mismatched object format: server ${name}; client ${value}`);
}
