/** Clones and fetches from repositories whose refs are in reftables, by a git that cannot read those. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { PLAIN, writeReftable } from '../repository/write-reftable.ts';
import { clone, gitIn, headOf, refsOf, storedObjects } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { copyFixture, expectedListing, expectedObjects, REFTABLE_FIXTURES } from '../support/fixtures.ts';
import { fsck } from '../support/git.ts';
import { decodePackets } from '../support/requests.ts';
import { type RunningService, startService } from '../support/service.ts';

const root = temporaryDirectory();
let service: RunningService;

beforeAll(async () => {
  for (const name of REFTABLE_FIXTURES) copyFixture(root, name);
  service = await startService(root);
});

function listing(name: string, worktree?: string) {
  const lines = decodePackets(Buffer.from(expectedListing(name, worktree))).map(({ text }) =>
    text.split(' '),
  );
  return lines.slice(1, -1).map(([oid, name]) => `${oid} ${name}`);
}

test.each(REFTABLE_FIXTURES)('%s', async (name) => {
  const mirror = await clone(service, `${name}.git`);
  fsck(mirror);
  expect(refsOf(mirror)).toEqual(listing(name));
  expect(headOf(mirror)).toBe('refs/heads/main');
  expect(storedObjects(mirror)).toEqual(expectedObjects(name));
});

test('a linked worktree', async () => {
  const mirror = await clone(service, 'reftable-worktree.git/worktrees/linked');
  fsck(mirror);
  expect(refsOf(mirror)).toEqual(listing('reftable-worktree', 'worktrees/linked'));
  expect(headOf(mirror)).toBe('refs/heads/linked');
});

test('git with protocol.version=0 is told the same', async () => {
  const args = ['-c', 'protocol.version=0', 'ls-remote', '--refs', `${service.url}/reftable-sha1.git`];
  const lines = (await gitIn(root, args)).trimEnd().split('\n');
  expect(lines.map((line) => line.replace('\t', ' '))).toEqual(listing('reftable-sha1'));
});

test('what a new table adds, moves and deletes is fetched', async () => {
  const mirror = await clone(service, 'reftable-index.git');
  const refs = listing('reftable-index');
  const [moved, deleted] = refs;
  const oid = refs[100].slice(0, 40);
  const changes = [
    { name: moved.slice(41), oid },
    { name: deleted.slice(41) },
    { name: 'refs/heads/new', oid },
  ];
  const stack = path.join(root, 'reftable-index.git/reftable');
  fs.writeFileSync(path.join(stack, 'new.ref'), writeReftable(changes, PLAIN).data);
  fs.appendFileSync(path.join(stack, 'tables.list'), 'new.ref\n');
  await gitIn(mirror, ['fetch', '--quiet', '--prune', 'origin']);
  const expected = refs.filter((line) => line !== moved && line !== deleted);
  expected.push(`${oid} ${moved.slice(41)}`, `${oid} refs/heads/new`);
  const byName = (a: string, b: string) => (a.slice(41) < b.slice(41) ? -1 : 1);
  expect(refsOf(mirror)).toEqual(expected.sort(byName));
  fsck(mirror);
});
