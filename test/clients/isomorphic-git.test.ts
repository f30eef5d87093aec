/** isomorphic-git. Version 2 it speaks only to list refs. */
import git, { type ServerRef } from 'isomorphic-git';
import http from 'isomorphic-git/http/node';
import { expect, test } from 'vitest';
import { gitIn } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { testClient } from './client-tests.ts';
import { isomorphicGit } from './clients.ts';
import { DOORS, gitsOwnDoor } from './doors.ts';
import { createSource } from './source.ts';

testClient(isomorphicGit);

test.each([1, 2] as const)('lists refs, protocolVersion %i', async (protocolVersion) => {
  const root = temporaryDirectory();
  createSource(root);
  const door = await DOORS.http(root);
  const options = { http, url: door.url('source.git'), protocolVersion, symrefs: true, peelTags: true };
  const judgment = await gitIn(root, ['ls-remote', '--symref', gitsOwnDoor(root).url('source.git')]);
  const lines = judgment.trimEnd().split('\n');
  expect((await git.listServerRefs(options)).flatMap(linesOf)).toEqual(lines);
  expect((await git.listServerRefs({ ...options, prefix: 'refs/tags/' })).flatMap(linesOf)).toEqual(
    lines.filter((line) => line.includes('\trefs/tags/')),
  );
});

/** As `git ls-remote --symref` prints a ref. */
function linesOf({ ref, oid, target, peeled }: ServerRef): string[] {
  return [
    ...(target ? [`ref: ${target}\t${ref}`] : []),
    `${oid}\t${ref}`,
    ...(peeled ? [`${peeled}\t${ref}^{}`] : []),
  ];
}
