/** The capabilities of protocol v2, in git's order (protocol section 1.2). Adding one is adding a row. */
import { protocolError } from '../errors.ts';
import { encodePktLine, FLUSH } from '../protocol/pkt-line.ts';
import type { V2Request } from '../protocol/v2-request.ts';
import type { Repository } from '../repository/repository.ts';
import type { BundleStore } from '../store/bundles/bundle-store.ts';
import { AGENT } from '../version.ts';
import { advertiseBundleUri, bundleUri } from './bundle-uri.ts';
import type { Command, CommandContext, Terms } from './command.ts';
import { fetch } from './fetch.ts';
import { fetchFeatures } from './fetch-features.ts';
import { lsRefs, unbornMode } from './ls-refs.ts';
import { advertiseObjectInfo, objectInfo } from './object-info.ts';
import { acceptsPromisor, advertisePromisors } from './promisor-remote.ts';
import { advertiseSessionId } from './session-id.ts';

interface Capability {
  readonly name: string;
  /** The value that is advertised: undefined for none of this capability, an empty string for a bare name. */
  readonly advertise: (repository: Repository, bundles: BundleStore | undefined) => string | undefined;
  /** Present where the capability is a command. */
  readonly command?: Command;
  /** What the value that a request gives changes; where it is absent, any is taken and ignored. */
  readonly receive?: (value: string | undefined, repository: Repository) => Partial<Terms>;
  /** Whether requests may give it even where it is not advertised. */
  readonly unasked?: boolean;
}

const CAPABILITIES: readonly Capability[] = [
  { name: 'agent', advertise: () => AGENT },
  { name: 'ls-refs', advertise: advertiseUnborn, command: lsRefs },
  { name: 'fetch', advertise: advertiseFeatures, command: fetch },
  { name: 'server-option', advertise: () => '' },
  { name: 'object-format', advertise: ({ format }) => format.name, receive: receiveFormat },
  { name: 'session-id', advertise: advertiseSessionId },
  { name: 'object-info', advertise: advertiseObjectInfo, command: objectInfo },
  { name: 'bundle-uri', advertise: advertiseBundleUri, command: bundleUri },
  { name: 'promisor-remote', advertise: advertisePromisors, receive: receivePromisors, unasked: true },
];

/** @param bundles where bundles of our own are, if anywhere */
export function encodeAdvertisement(repository: Repository, bundles: BundleStore | undefined): Uint8Array {
  const lines = ['version 2\n'];
  for (const { name, advertise } of CAPABILITIES) {
    const value = advertise(repository, bundles);
    if (value !== undefined) lines.push(value === '' ? `${name}\n` : `${name}=${value}\n`);
  }
  return Buffer.concat([...lines.map((line) => encodePktLine(line)), FLUSH]);
}

/** Those of a client that has said nothing yet. */
export const FIRST_TERMS: Terms = { format: 'sha1', missingPromised: false };

/** What decides which capabilities there are. */
type Offer = Pick<CommandContext, 'repository' | 'bundles'>;

export interface KnownRequest {
  readonly name: string;
  readonly command: Command;
  readonly terms: Terms;
}

/**
 * What a request asks for. Its lines are looked at one after the other, as by git: the first that is wrong is told of.
 * @param before what held for the request before on the same connection
 * @throws PackhorseError `PACKHORSE_PROTOCOL` when it names a command or a capability that is not there
 */
export function readHead(
  { head, failure }: V2Request,
  { repository, bundles }: Offer,
  before: Terms,
): KnownRequest {
  let asked: Pick<KnownRequest, 'name' | 'command'> | undefined;
  let terms = before;
  for (const line of head) {
    if (line.startsWith('command=')) {
      asked = findCommand(line.slice('command='.length), asked?.name, { repository, bundles });
      continue;
    }
    const [key, value] = splitOnce(line);
    const capability = CAPABILITIES.find(({ name }) => name === key);
    if (!capability || capability.command || !isAllowed(capability, { repository, bundles })) {
      throw protocolError(`unknown capability '${line}'`);
    }
    terms = { ...terms, ...capability.receive?.(value, repository) };
  }
  if (failure) throw failure;
  if (!asked) throw protocolError('no command requested');
  const { name } = repository.format;
  if (terms.format !== name) {
    throw protocolError(`mismatched object format: server ${name}; client ${terms.format}`);
  }
  return { ...asked, terms };
}

function findCommand(name: string, before: string | undefined, offer: Offer) {
  if (before !== undefined) {
    throw protocolError(`command '${name}' requested after already requesting command '${before}'`);
  }
  const found = CAPABILITIES.find((capability) => capability.name === name);
  if (!found?.command || !isOffered(found, offer)) throw protocolError(`invalid command '${name}'`);
  return { name, command: found.command };
}

function isAllowed(capability: Capability, offer: Offer): boolean {
  return capability.unasked || isOffered(capability, offer);
}

function isOffered({ advertise }: Capability, { repository, bundles }: Offer): boolean {
  return advertise(repository, bundles) !== undefined;
}

function splitOnce(line: string): [key: string, value: string | undefined] {
  const equals = line.indexOf('=');
  return equals < 0 ? [line, undefined] : [line.slice(0, equals), line.slice(equals + 1)];
}

function advertiseUnborn({ config }: Repository): string {
  return unbornMode(config) === 'advertise' ? 'unborn' : '';
}

function advertiseFeatures(repository: Repository): string {
  return ['shallow', 'wait-for-done', ...fetchFeatures(repository)].join(' ');
}

function receiveFormat(value: string | undefined): Partial<Terms> {
  if (value === undefined) throw protocolError('object-format capability requires an argument');
  if (value !== 'sha1' && value !== 'sha256') throw protocolError(`unknown object format '${value}'`);
  return { format: value };
}

function receivePromisors(value: string | undefined, repository: Repository): Partial<Terms> {
  // One of several lines is enough.
  return acceptsPromisor(value ?? '', repository) ? { missingPromised: true } : {};
}
