/** Which filters a repository allows. */
import { protocolError } from '../errors.ts';
import { type Filter, parseFilter } from '../pack/filter.ts';
import type { Repository } from '../repository/repository.ts';

const MAX_DEPTH = 'uploadpackfilter.tree.maxdepth';

export function allowsFilters({ config }: Repository): boolean {
  return config.boolean('uploadpack.allowfilter', false);
}

/**
 * The filter that a client asks for.
 * @param spec as the client wrote it where filters are offered at all; undefined for none
 * @throws PackhorseError `PACKHORSE_PROTOCOL` when the repository does not allow it; `PACKHORSE_REPOSITORY_UNSUPPORTED`
 *   when what it allows cannot be read, even where no filter is asked for, as with git
 */
export function readFilter(spec: string | undefined, repository: Repository): Filter | undefined {
  const mostDepth = repository.config.size(MAX_DEPTH, Number.POSITIVE_INFINITY);
  if (spec === undefined) return undefined;
  const filter = parseFilter(spec);
  for (const part of filter.kind === 'combine' ? [filter, ...filter.parts] : [filter]) {
    if (!isAllowed(part.kind, repository)) throw protocolError(`filter '${part.kind}' not supported`);
    if (part.kind === 'tree' && part.depth > mostDepth) {
      throw protocolError(`tree filter allows max depth ${mostDepth}, but got ${part.depth}`);
    }
  }
  return filter;
}

/** A depth for `tree` allows it too, unless it is forbidden further down. */
function isAllowed(kind: Filter['kind'], { config }: Repository): boolean {
  const key = `uploadpackfilter.${kind}.allow`;
  if (kind === 'tree' && config.lastOf(key, MAX_DEPTH)?.key === MAX_DEPTH) return true;
  return config.boolean(key, config.boolean('uploadpackfilter.allow', true));
}
