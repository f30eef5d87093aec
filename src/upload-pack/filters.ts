/** Which filters a repository allows. */
import { protocolError } from '../errors.ts';
import { type Filter, parseFilter } from '../pack/filter.ts';
import type { Repository } from '../repository/repository.ts';

export function allowsFilters({ config }: Repository): boolean {
  return config.boolean('uploadpack.allowfilter', false);
}

/**
 * The filter that a client asks for.
 * @param spec as the client wrote it; undefined for none
 * @throws PackhorseError `PACKHORSE_PROTOCOL` when the repository does not allow it
 */
export function readFilter(spec: string | undefined, repository: Repository): Filter | undefined {
  if (spec === undefined) return undefined;
  if (!allowsFilters(repository)) throw protocolError(`unexpected line: 'filter ${spec}'`);
  const { config } = repository;
  const filter = parseFilter(spec);
  const allowed = config.boolean('uploadpackfilter.allow', true);
  if (config.boolean(`uploadpackfilter.${filter.name}.allow`, allowed)) return filter;
  throw protocolError(`git upload-pack: filter '${filter.name}' not supported`);
}
