/** The name of a pack: from all that decides its bytes, and nothing of who asks, with what program, or when. */
import crypto from 'node:crypto';
import path from 'node:path';
import type { CountRequest } from '../pack/count.ts';
import type { Filter } from '../pack/filter.ts';
import { repositoryIdentity } from '../repository/repository-identity.ts';
import { VERSION as RELEASE } from '../version.ts';
import { addObjects } from './add-objects.ts';
import type { CommandContext } from './command.ts';
import { readPackSettings } from './pack-settings.ts';

/** Goes up whenever the same request would be answered in other bytes. */
const VERSION = 1;

export interface KeyOptions {
  readonly filter: Filter | undefined;
  readonly thin: boolean;
  readonly ofsDelta: boolean;
  /** Of the tags that may be included; undefined where none are asked for. */
  readonly tags: Uint8Array | undefined;
}

/**
 * @returns 64 hex digits; undefined for a pack that depends on more than what is named: on what lies under a name, as
 *   patterns of a sparse checkout do, or on what of its objects is here already
 */
export function packKey(
  { repository, sink, namesPacks }: CommandContext,
  { wants, haves, grafts, missingPromised = false }: CountRequest,
  { filter, thin, ofsDelta, tags }: KeyOptions,
): string | undefined {
  const parts = filter?.kind === 'combine' ? filter.parts : [filter];
  if (missingPromised || parts.some((part) => part?.kind === 'sparse:oid')) return undefined;
  const { view } = repository.objects;
  const hash = crypto.createHash('sha256');
  hash.update(
    JSON.stringify([
      VERSION,
      process.versions.zlib,
      typeof namesPacks === 'object'
        ? placeBelow(namesPacks.below, repository.gitDirectory)
        : repositoryIdentity(repository.gitDirectory),
      repository.namespace,
      sink.framing,
      { thin, ofsDelta, filter },
      readPackSettings(repository.config),
    ]),
  );
  for (const numbers of [wants, haves, grafts]) addObjects(hash, view, numbers);
  if (tags) hash.update(tags);
  return hash.digest('hex');
}

/**
 * What a repository is to all machines that serve copies of it. Another one under the same path gets the same name for a
 * pack only where the pack is the same: the ids in the name are those of everything in it. Other releases may say other
 * things of a pack.
 */
function placeBelow(root: string, gitDirectory: string): readonly string[] {
  return [RELEASE, path.relative(root, gitDirectory)];
}
