/** The v2 command `bundle-uri`: bundles from which a clone may start (protocol section 1.7). */
import { protocolError } from '../errors.ts';
import { encodePktLine, FLUSH } from '../protocol/pkt-line.ts';
import type { Repository } from '../repository/repository.ts';
import type { BundleStore } from '../store/bundles/bundle-store.ts';
import { areVisible, bundlesSetting, configuredBundles, mayHaveOwnBundles } from './bundle-tips.ts';
import type { Command, CommandContext } from './command.ts';

export function advertiseBundleUri(
  repository: Repository,
  bundles: BundleStore | undefined,
): string | undefined {
  return (bundlesSetting(repository) ?? bundles?.list(repository) !== undefined) ? '' : undefined;
}

/** The section `bundle` of the configuration, as it stands there, or else in the same form the bundles of our own. */
export const bundleUri: Command = async (context, args) => {
  const flushed = await args.each((line) => {
    throw protocolError(`bundle-uri: unexpected argument: '${line}'`);
  });
  if (!flushed) throw protocolError('bundle-uri: expected flush after arguments');
  const configured = configuredBundles(context.repository).map(({ key, value }) => `${key}=${value}`);
  const lines = configured.length > 0 ? configured : await ownLines(context);
  const packets = lines.map((line) => encodePktLine(Buffer.from(line, 'latin1')));
  await context.sink.sendLines(Buffer.concat([...packets, FLUSH]));
};

/** Addresses are relative: clients take them for what lies below the address that they clone from. */
async function ownLines(context: CommandContext): Promise<string[]> {
  const { repository, bundles } = context;
  const list = bundles?.list(repository);
  if (!list || !mayHaveOwnBundles(repository) || !bundles!.isWhole(repository, list)) return [];
  if (!(await areVisible(context, list.offered))) return [];
  bundles!.used(repository);
  const lines = list.offered.flatMap(({ id, token }) => [
    `bundle.${id}.uri=bundles/${id}.bundle`,
    `bundle.${id}.creationtoken=${token}`,
  ]);
  return ['bundle.version=1', 'bundle.mode=all', 'bundle.heuristic=creationToken', ...lines];
}
