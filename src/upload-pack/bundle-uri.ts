/** The v2 command `bundle-uri`: bundles from which a clone may start (protocol section 1.7). */
import { protocolError } from '../errors.ts';
import { encodePktLine, FLUSH } from '../protocol/pkt-line.ts';
import type { Repository } from '../repository/repository.ts';
import type { Command } from './command.ts';

export function advertiseBundleUri({ config }: Repository): string | undefined {
  return config.boolean('uploadpack.advertisebundleuris', false) ? '' : undefined;
}

/** The section `bundle` of the configuration, as it stands there. */
export const bundleUri: Command = async ({ repository, sink }, args) => {
  const flushed = await args.each((line) => {
    throw protocolError(`bundle-uri: unexpected argument: '${line}'`);
  });
  if (!flushed) throw protocolError('bundle-uri: expected flush after arguments');
  const entries = repository.config.section('bundle').filter(({ value }) => value);
  const packets = entries.map(({ key, value }) => encodePktLine(Buffer.from(`${key}=${value}`, 'latin1')));
  await sink.sendLines(Buffer.concat([...packets, FLUSH]));
};
