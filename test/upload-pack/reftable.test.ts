/** Requests to repositories with reftables: byte for byte what git 2.55 answers, and never an old answer. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { readPack, UploadPackV2 } from '../../src/index.ts';
import { DEFAULT_BUDGETS, RepositoryCaches } from '../../src/repository/repository-caches.ts';
import { PLAIN, writeReftable } from '../repository/write-reftable.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { copyFixture, expectedListing, expectedObjects, REFTABLE_FIXTURES } from '../support/fixtures.ts';
import { git } from '../support/git.ts';
import { decodePackets, encodeRequest, parseFetchAnswer, v2Request } from '../support/requests.ts';

const ALL = ['peel', 'symrefs', 'unborn'];

async function ask(server: UploadPackV2, args: readonly string[], format = 'sha1'): Promise<string> {
  const request = v2Request('ls-refs', args, [`object-format=${format}`]);
  return Buffer.from(await server.feed(Buffer.from(request))).toString('latin1');
}

it.each(REFTABLE_FIXTURES)('%s is listed as by git', async (name) => {
  const server = new UploadPackV2(copyFixture(temporaryDirectory(), name));
  const format = name.endsWith('sha256') ? 'sha256' : 'sha1';
  expect(await ask(server, ALL, format)).toBe(expectedListing(name));
  const lines = decodePackets(Buffer.from(expectedListing(name))).map(({ text }) => text);
  const tags = lines.filter((line) => line.includes(' refs/tags/')).map((line) => line.split(' peeled:')[0]);
  const answer = await ask(server, ['ref-prefix refs/tags/'], format);
  expect(decodePackets(Buffer.from(answer)).map(({ text }) => text)).toEqual([...tags, 'flush']);
});

it('hidden refs are hidden', async () => {
  const directory = copyFixture(temporaryDirectory(), 'reftable-sha1');
  const settings = [
    ['transfer.hideRefs', 'refs/heads'],
    ['uploadpack.hideRefs', '!refs/heads/alias'],
  ];
  for (const [key, value] of settings) git(directory, ['config', '--file', 'config', key, value]);
  const names = decodePackets(
    Buffer.from(await ask(new UploadPackV2(directory), ['ref-prefix refs/heads/'])),
  );
  expect(names.map(({ text }) => text.split(' ')[1])).toEqual(['refs/heads/alias', undefined]);
});

it('a fetch takes tags along, and knows refs by their short names', async () => {
  const server = new UploadPackV2(copyFixture(temporaryDirectory(), 'reftable-sha1'));
  const main = expectedListing('reftable-sha1').slice(4, 44);
  const fetched = await server.feed(encodeRequest('fetch', ['include-tag', `want ${main}`, 'done']));
  const sent = readPack(parseFetchAnswer(fetched).pack).map(({ oid }) => oid);
  const [tag] = /[0-9a-f]{40}(?= refs\/tags\/v6)/.exec(expectedListing('reftable-sha1'))!;
  expect(sent).toContain(tag);
  expect(expectedObjects('reftable-sha1')).toEqual(expect.arrayContaining(sent));
  const shallow = await server.feed(encodeRequest('fetch', ['deepen-not side-5', `want ${main}`, 'done']));
  expect(parseFetchAnswer(shallow).lines).toContain('shallow-info');
});

it('answers are kept as long as no table comes, and made anew then', async () => {
  const directory = copyFixture(temporaryDirectory(), 'reftable-sha1');
  const stack = path.join(directory, 'reftable');
  const caches = new RepositoryCaches(DEFAULT_BUDGETS, { now: () => Date.now() + 60_000 });
  const server = new UploadPackV2(directory, { caches });
  const first = await ask(server, ALL);
  // Only who reads the tables notices that they are gone.
  const away = temporaryDirectory();
  const tables = fs.readdirSync(stack).filter((name) => name.endsWith('.ref'));
  for (const name of tables) fs.renameSync(path.join(stack, name), path.join(away, name));
  expect(await ask(server, ALL)).toBe(first);
  expect(await ask(server, ['peel'])).toContain('which is not there');
  for (const name of tables) fs.renameSync(path.join(away, name), path.join(stack, name));

  const main = first.slice(4, 44);
  fs.writeFileSync(
    path.join(stack, 'new.ref'),
    writeReftable([{ name: 'refs/heads/new', oid: main }], PLAIN).data,
  );
  expect(await ask(server, ALL)).toBe(first);
  const list = path.join(stack, 'tables.list');
  fs.writeFileSync(`${list}.lock`, `${fs.readFileSync(list, 'latin1')}new.ref\n`);
  fs.renameSync(`${list}.lock`, list);
  const renewed = await ask(server, ALL);
  expect(renewed).toContain(`${main} refs/heads/new\n`);
  expect(renewed.length).toBe(first.length + `003f${main} refs/heads/new\n`.length);
});

it('a tag that is stored with its own id alone is peeled', async () => {
  const directory = copyFixture(temporaryDirectory(), 'reftable-sha1');
  const [, tag, commit] = /([0-9a-f]{40}) refs\/tags\/v6 peeled:([0-9a-f]{40})/.exec(
    expectedListing('reftable-sha1'),
  )!;
  const stack = path.join(directory, 'reftable');
  fs.writeFileSync(
    path.join(stack, 'new.ref'),
    writeReftable([{ name: 'refs/tags/new', oid: tag }], PLAIN).data,
  );
  fs.appendFileSync(path.join(stack, 'tables.list'), 'new.ref\n');
  const answer = await ask(new UploadPackV2(directory), [...ALL, 'ref-prefix refs/tags/new']);
  expect(answer).toContain(`${tag} refs/tags/new peeled:${commit}\n`);
});

it('a damaged table is an error, not an empty list', async () => {
  const directory = copyFixture(temporaryDirectory(), 'reftable-index');
  const stack = path.join(directory, 'reftable');
  const [table] = fs.readdirSync(stack).filter((name) => name.endsWith('.ref'));
  const data = fs.readFileSync(path.join(stack, table));
  data[24] ^= 1;
  fs.writeFileSync(path.join(stack, table), data);
  expect(await ask(new UploadPackV2(directory), ALL)).toMatch(/^....ERR .*reftable\/0x/);
});
