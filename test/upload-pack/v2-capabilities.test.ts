/** Capabilities of protocol v2 that a configuration turns on: how they are advertised, and what they change. */
import { beforeEach, describe, expect, it } from 'vitest';
import { UploadPackV2 } from '../../src/index.ts';
import { Pace } from '../../src/pack/pace.ts';
import { DEFAULT_BUDGETS, RepositoryCaches } from '../../src/repository/repository-caches.ts';
import { ByteSink } from '../../src/upload-pack/byte-sink.ts';
import { newStatistics } from '../../src/upload-pack/statistics.ts';
import { UploadPack } from '../../src/upload-pack/upload-pack.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { DELIM, decodePackets, FLUSH, pkt, v2Request } from '../support/requests.ts';

const ABSENT = '1'.repeat(40);
let repository: string;
let server: UploadPackV2;
let main: string;

beforeEach(() => {
  repository = createRepository(temporaryDirectory(), 'a.git');
  const history = new History();
  history.commit({ branch: 'main', files: { a: 'a\n' } });
  history.importInto(repository);
  main = git(repository, ['rev-parse', 'main']);
  server = new UploadPackV2(repository);
});

function configure(entries: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(entries)) git(repository, ['config', '--add', key, value]);
}

async function ask(request: string): Promise<string> {
  return Buffer.from(await server.feed(Buffer.from(request))).toString();
}

/** The lines that are advertised behind what is always there. */
function advertised(): string[] {
  const lines = decodePackets(server.advertise()).map(({ text }) => text);
  return lines.slice(lines.indexOf('object-format=sha1') + 1, -1);
}

async function advertisedV0(upload: UploadPack): Promise<string> {
  const written: Uint8Array[] = [];
  const sink = new ByteSink((bytes) => void written.push(bytes));
  await upload.advertise(0, { sink, pace: new Pace(), statistics: newStatistics('none') });
  return Buffer.concat(written).toString();
}

it('are advertised in the order of git', () => {
  configure({
    'uploadpack.allowFilter': 'true',
    'uploadpack.allowRefInWant': 'true',
    'uploadpack.allowSidebandAll': 'true',
    'uploadpack.blobPackfileUri': `${ABSENT} ${ABSENT} https://example.com`,
    'uploadpack.advertiseBundleURIs': 'true',
    'transfer.advertiseSID': 'true',
    'transfer.advertiseObjectInfo': 'true',
  });
  const lines = decodePackets(server.advertise()).map(({ text }) => text.replace(/^session-id=.*/, 'sid'));
  expect(lines.slice(2)).toEqual([
    'ls-refs=unborn',
    'fetch=shallow wait-for-done filter ref-in-want sideband-all packfile-uris',
    'server-option',
    'object-format=sha1',
    'sid',
    'object-info=size',
    'bundle-uri',
    'flush',
  ]);
});

describe('agent, server-option and session-id', () => {
  it('change nothing', async () => {
    configure({ 'transfer.advertiseSID': 'true' });
    const asked = (...head: string[]) => ask(v2Request('ls-refs', ['peel'], head));
    const plain = await asked();
    expect(plain).toContain(main);
    expect(await asked('agent=git/1', 'agent', 'agent=a b=c')).toBe(plain);
    expect(await asked('server-option', 'server-option=', 'server-option=a=b', 'server-option=a=b')).toBe(
      plain,
    );
    expect(await asked('session-id=x', 'session-id')).toBe(plain);
  });

  it('session-id is unknown where it is not advertised', async () => {
    expect(await ask(v2Request('ls-refs', [], ['session-id=x']))).toBe(
      pkt("ERR unknown capability 'session-id=x'"),
    );
  });

  it('session-id has another value each time, without white space', () => {
    configure({ 'transfer.advertiseSID': 'true' });
    const ids = [advertised(), advertised()].map(([line]) => /^session-id=([!-~]+)$/.exec(line)?.[1]);
    expect(ids[0]).toBeDefined();
    expect(ids[0]).not.toBe(ids[1]);
  });

  it('session-id has another value each time in version 0 as well', async () => {
    configure({ 'transfer.advertiseSID': 'true' });
    // In a minute all that is written now has long settled, so that an answer may be kept.
    const caches = new RepositoryCaches(DEFAULT_BUDGETS, { now: () => Date.now() + 60_000 });
    const upload = new UploadPack(repository, { caches });
    const ids = [await advertisedV0(upload), await advertisedV0(upload)].map(
      (text) => / session-id=([!-~]+) object-format=sha1 agent=/.exec(text)?.[1],
    );
    expect(ids[0]).toBeDefined();
    expect(ids[0]).not.toBe(ids[1]);
    expect(caches.answers.memory).toBe(0);
  });
});

describe('object-info', () => {
  const head = pkt('command=object-info');

  beforeEach(() => configure({ 'transfer.advertiseObjectInfo': 'true' }));

  it('tells what is wrong with lines, and answers the others', async () => {
    const size = git(repository, ['cat-file', '-s', main]);
    const request = v2Request('object-info', [
      'type',
      `oid ${main.toUpperCase()}`,
      'oid xyz',
      'size',
      `oid ${ABSENT}`,
    ]);
    expect(await ask(request)).toBe(
      [
        pkt("ERR object-info: unexpected line: 'type'"),
        pkt('size'),
        pkt(`${main.toUpperCase()} ${size}`),
        pkt("ERR object-info: protocol error, expected to get oid, not 'xyz'"),
        pkt(`${ABSENT} `),
        FLUSH,
      ].join(''),
    );
  });

  it.each([
    ['no arguments', head + FLUSH, FLUSH],
    ['no objects', head + DELIM + pkt('size') + FLUSH, FLUSH],
    [
      'no flush',
      head + DELIM + pkt('foo') + DELIM,
      pkt("ERR object-info: unexpected line: 'foo'") + pkt('ERR object-info: expected flush after arguments'),
    ],
  ])('%s', async (_, request, expected) => {
    expect(await ask(request)).toBe(expected);
  });

  it('answers for very many objects', async () => {
    const args = Array.from({ length: 20_000 }, () => `oid ${main}`);
    expect(await ask(v2Request('object-info', args))).toBe(pkt(main).repeat(args.length) + FLUSH);
  });
});

describe('bundle-uri', () => {
  beforeEach(() => configure({ 'uploadpack.advertiseBundleURIs': 'true' }));

  it('gives the section bundle of the configuration in its order', async () => {
    configure({
      'Bundle.Version': '1',
      'bundle.mode': 'all',
      'bundle.Daily.URI': 'https://example.com/b?x=y',
      'bundle.Daily.creationToken': '7',
      'bundle.empty.uri': '',
      'bundles.other': 'x',
      'bundle.ä.uri': 'ä.bundle',
    });
    expect(await ask(v2Request('bundle-uri'))).toBe(
      [
        pkt('bundle.version=1'),
        pkt('bundle.mode=all'),
        pkt('bundle.Daily.uri=https://example.com/b?x=y'),
        pkt('bundle.Daily.creationtoken=7'),
        pkt('bundle.ä.uri=ä.bundle'),
        FLUSH,
      ].join(''),
    );
  });

  it('gives nothing where there is nothing', async () => {
    expect(await ask(v2Request('bundle-uri', []))).toBe(FLUSH);
  });

  it.each([
    ['an argument', v2Request('bundle-uri', ['foo', 'bar']), "ERR bundle-uri: unexpected argument: 'foo'"],
    ['no flush', pkt('command=bundle-uri') + DELIM + DELIM, 'ERR bundle-uri: expected flush after arguments'],
  ])('refuses %s', async (_, request, text) => {
    expect(await ask(request)).toBe(pkt(text));
  });
});
