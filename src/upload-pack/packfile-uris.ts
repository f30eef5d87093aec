/** Objects that clients get from elsewhere, in packs of their own (`uploadpack.blobPackfileUri`, protocol section 1.6). */
import { repositoryUnsupported } from '../errors.ts';
import { DELIM, textOf } from '../protocol/pkt-line.ts';
import type { Repository } from '../repository/repository.ts';
import type { CommandContext } from './command.ts';
import { openPack, sendSection } from './sections.ts';
import type { Elsewhere } from './send-pack.ts';

const KEY = 'uploadpack.blobpackfileuri';

/** One assignment of the configuration. */
interface PackfileUri {
  /** Hex. */
  readonly oid: string;
  /** `<hash of the pack> <URI>`, byte string: as it is told. */
  readonly line: string;
}

export function hasPackfileUris({ config }: Repository): boolean {
  return config.entries.some(({ key, value }) => key === KEY && value);
}

/**
 * What a client that gets URIs is sent in place of objects.
 * @param protocols those that the client knows
 * @returns undefined for a client that knows none
 * @throws PackhorseError `PACKHORSE_REPOSITORY_UNSUPPORTED` when the configuration is wrong
 */
export async function offerPackfileUris(
  context: CommandContext,
  protocols: readonly string[],
): Promise<Elsewhere | undefined> {
  const { repository, sink, pace } = context;
  if (protocols.length === 0) return undefined;
  const { view } = repository.objects;
  const lines = new Map<number, string>();
  for (const { oid, line } of readUris(repository)) {
    const uri = line.slice(line.indexOf(' ') + 1);
    const number = view.findHex(oid);
    if (number >= 0 && protocols.some((protocol) => uri.startsWith(`${protocol}:`))) lines.set(number, line);
    if (pace.due()) await pace.pause();
  }
  return {
    objects: [...lines.keys()],
    async begin(leftOut) {
      // Objects that lie in one pack are fetched at once.
      const told = new Set(leftOut.map((number) => `${lines.get(number)}\n`));
      if (told.size > 0) await sendSection(context, ['packfile-uris\n', ...told], DELIM);
      await openPack(sink);
    },
  };
}

function* readUris({ config, format }: Repository): Generator<PackfileUri> {
  const id = `[0-9a-f]{${format.hexLength}}`;
  const shape = new RegExp(`^(${id}) (${id} .*)$`, 'i');
  const seen = new Set<string>();
  for (const value of config.all(KEY)) {
    const [, oid, line] = shape.exec(value) ?? [];
    if (oid === undefined) {
      throw repositoryUnsupported(
        `value of ${KEY} must be of the form '<object-hash> <pack-hash> <uri>' (got '${textOf(value)}')`,
      );
    }
    const known = oid.toLowerCase();
    if (seen.has(known)) {
      throw repositoryUnsupported(`object already configured in another ${KEY} (got '${textOf(value)}')`);
    }
    seen.add(known);
    yield { oid: known, line };
  }
}
