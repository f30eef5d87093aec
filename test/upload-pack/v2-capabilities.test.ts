/** Capabilities of protocol v2 that a configuration turns on: how they are advertised, and what they change. */
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { readPack, UploadPackV2 } from '../../src/index.ts';
import { Pace } from '../../src/pack/pace.ts';
import { PacketInput } from '../../src/protocol/packet-input.ts';
import { DEFAULT_BUDGETS, RepositoryCaches } from '../../src/repository/repository-caches.ts';
import { ByteSink } from '../../src/upload-pack/byte-sink.ts';
import { newStatistics } from '../../src/upload-pack/statistics.ts';
import { UploadPack } from '../../src/upload-pack/upload-pack.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { DELIM, decodePackets, FLUSH, parseFetchAnswer, pkt, v2Request } from '../support/requests.ts';

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
    'promisor.advertise': 'true',
    'remote.lop.promisor': 'true',
    'remote.lop.url': 'https://example.com',
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
    'promisor-remote=name=lop,url=https://example.com',
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

describe('promisor-remote', () => {
  const REMOTES = {
    'remote.b.promisor': 'true',
    'remote.b.url': 'file:///srv/a,b;c d%ü',
    'remote.b.token': 't=1',
    'remote.a.partialCloneFilter': 'blob:limit=1k',
    'remote.a.url': 'https://a',
    'remote.without-url.promisor': 'true',
    'remote.empty-url.promisor': 'true',
    'remote.empty-url.url': '',
    'remote.plain.url': 'https://plain',
    'remote.plain.promisor': 'false',
  };
  const B = 'name=b,url=file:///srv/a%2cb%3bc%20d%25%c3%bc';

  it.each<[title: string, more: Readonly<Record<string, string>>, expected: string[]]>([
    ['off', {}, []],
    ['on', { 'promisor.advertise': 'true' }, [`promisor-remote=${B};name=a,url=https://a`]],
    [
      'with fields',
      { 'promisor.advertise': 'true', 'promisor.sendFields': 'TOKEN, partialCloneFilter bogus' },
      [`promisor-remote=${B},token=t=1;name=a,url=https://a,partialCloneFilter=blob:limit=1k`],
    ],
    [
      'the one that the repository is a partial clone of comes last',
      { 'promisor.advertise': 'true', 'extensions.partialClone': 'b', 'core.repositoryFormatVersion': '1' },
      [`promisor-remote=name=a,url=https://a;${B}`],
    ],
  ])('is advertised: %s', (_, more, expected) => {
    configure({ ...REMOTES, ...more });
    expect(advertised()).toEqual(expected);
  });

  it('is not advertised without such a remote', () => {
    configure({ 'promisor.advertise': 'true', 'remote.origin.url': 'https://a' });
    expect(advertised()).toEqual([]);
  });

  it.each(['promisor-remote=b', 'promisor-remote=b;nobody', 'promisor-remote=', 'promisor-remote'])(
    'a request may say %s, be it advertised or not',
    async (line) => {
      configure(REMOTES);
      expect(await ask(v2Request('ls-refs', ['ref-prefix HEAD'], [line]))).toBe(
        pkt(`${main} HEAD\n`) + FLUSH,
      );
    },
  );

  /** A clone without blobs, which lacks the one of main. */
  function makePartial(): string {
    configure({ 'uploadpack.allowFilter': 'true' });
    const partial = path.join(temporaryDirectory(), 'partial.git');
    git('/', ['clone', '--quiet', '--bare', '--filter=blob:none', `file://${repository}`, partial]);
    return partial;
  }

  const withoutBlobs = () => [main, git(repository, ['rev-parse', 'main^{tree}'])].sort();
  const idsIn = (pack: Buffer) =>
    readPack(pack)
      .map(({ oid }) => oid)
      .sort();

  it.each<[said: string, head: string[], sent: boolean]>([
    ['nothing', [], false],
    ['a remote that is not known', ['promisor-remote=nobody'], false],
    ['a remote that promised what is missing', ['promisor-remote=nobody;or%69gin'], true],
    ['that in one of two lines', ['promisor-remote=origin', 'promisor-remote=nobody'], true],
  ])('decides whether what is promised may be missing: %s', async (_, head, sent) => {
    server = new UploadPackV2(makePartial());
    const answer = await server.feed(Buffer.from(v2Request('fetch', [`want ${main}`, 'done'], head)));
    const { pack, error } = parseFetchAnswer(answer);
    if (sent) expect(idsIn(pack)).toEqual(withoutBlobs());
    else expect(error).toBe(`unable to read ${git(repository, ['rev-parse', 'main:a'])}`);
  });

  it('holds for the rest of a connection, as clients say it to ls-refs alone', async () => {
    const listed = v2Request('ls-refs', ['ref-prefix none'], ['promisor-remote=origin']);
    const fetched = v2Request('fetch', [`want ${main}`, 'done']);
    const written: Uint8Array[] = [];
    const connection = {
      sink: new ByteSink((bytes) => void written.push(bytes)),
      pace: new Pace(),
      input: PacketInput.of(Buffer.from(listed + fetched)),
      begin: () => newStatistics('none'),
      answered: () => {},
    };
    await new UploadPack(makePartial()).converse(2, connection);
    const answer = Buffer.concat(written);
    const { pack } = parseFetchAnswer(answer.subarray(answer.indexOf(pkt('packfile\n'))));
    expect(idsIn(pack)).toEqual(withoutBlobs());
  });
});
