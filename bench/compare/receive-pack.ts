/** What a client does with a pack: git indexes it beside what the client has, and then the objects are looked up. */
import fs from 'node:fs';
import path from 'node:path';
import { git, gitWithInput, makeBareRepository } from '../git.ts';
import type { Source } from '../source.ts';
import type { PackAnswer } from './workload.ts';

/**
 * @param receiver a repository that is made here, with what the client has and no more
 * @param file the pack
 * @returns ids of what came, with the bases that git added to a thin pack
 * @throws Error when git refuses the pack
 */
export function receivePack(
  { directory, format }: Source,
  { client, partial }: PackAnswer,
  receiver: string,
  file: string,
): Set<string> {
  makeBareRepository(receiver, format);
  if (client !== undefined) git(receiver, 'fetch', '--quiet', '--no-tags', `file://${directory}`, client);
  // Strict: everything referred to is there.
  const flags = partial ? [] : ['--strict'];
  const told = gitWithInput(receiver, file, 'index-pack', '--stdin', '--fix-thin', ...flags);
  const index = path.join(receiver, 'objects/pack', `pack-${told.split('\t')[1]}.idx`);
  const listed = gitWithInput(receiver, index, 'show-index', `--object-format=${format}`);
  return new Set(listed.split('\n').map((line) => line.split(' ')[1]));
}

/**
 * @param receiver holds what the client has, and what it received
 * @throws Error when an object that git would send is neither received nor the client's: git without a bitmap may list
 *   some that it has elsewhere in its history
 */
export function requireObjects(
  { directory }: Source,
  { revisions }: PackAnswer,
  receiver: string,
  received: ReadonlySet<string>,
): void {
  const listed = git(directory, 'rev-list', '--objects', ...revisions).split('\n');
  const others = listed.map((line) => line.split(' ')[0]).filter((oid) => !received.has(oid));
  const file = path.join(receiver, 'not-received');
  fs.writeFileSync(file, others.map((oid) => `${oid}\n`).join(''));
  const missing = gitWithInput(receiver, file, 'cat-file', '--batch-check').match(/^\w+ missing$/gm) ?? [];
  if (missing.length > 0) throw new Error(`${missing.length} objects do not come: ${missing[0]}`);
}
