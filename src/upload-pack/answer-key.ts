/** What tells answers apart that are kept while nothing that they were made from changes. */
import { hideRules } from '../repository/hidden-refs.ts';
import type { Repository } from '../repository/repository.ts';

/** All that decides an answer about refs but for what stamps tell of. */
export function answerKey(repository: Repository, more: readonly unknown[]): string {
  const { gitDirectory, commonDirectory, namespace, config, objects } = repository;
  const where = [gitDirectory, commonDirectory, config.get('extensions.refstorage'), namespace];
  const packs = Array.from(objects.view.packs(), ({ pack }) => pack.name);
  return JSON.stringify([where, packs, hideRules(config), more]);
}
