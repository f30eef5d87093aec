/** What `fetch` offers beyond its core, each where the configuration says so (protocol sections 1.2 and 4.1). */
import type { FetchFeature } from '../protocol/fetch-request.ts';
import type { Repository } from '../repository/repository.ts';
import { allowsFilters } from './filters.ts';
import { hasPackfileUris } from './packfile-uris.ts';

const FEATURES: Readonly<Record<FetchFeature, (repository: Repository) => boolean>> = {
  filter: allowsFilters,
  'ref-in-want': ({ config }) => config.boolean('uploadpack.allowrefinwant', false),
  'sideband-all': ({ config }) => config.boolean('uploadpack.allowsidebandall', false),
  'packfile-uris': hasPackfileUris,
};

/** In git's order. */
export function fetchFeatures(repository: Repository): FetchFeature[] {
  const names = Object.keys(FEATURES) as FetchFeature[];
  return names.filter((name) => FEATURES[name](repository));
}
