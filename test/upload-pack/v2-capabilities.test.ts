/** Capabilities of protocol v2 that a configuration turns on: how they are advertised, and what they change. */
import { beforeEach, describe, expect, it } from 'vitest';
import { UploadPackV2 } from '../../src/index.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { DELIM, FLUSH, pkt, v2Request } from '../support/requests.ts';

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

describe('agent and server-option', () => {
  it('change nothing', async () => {
    const asked = (...head: string[]) => ask(v2Request('ls-refs', ['peel'], head));
    const plain = await asked();
    expect(plain).toContain(main);
    expect(await asked('agent=git/1', 'agent', 'agent=a b=c')).toBe(plain);
    expect(await asked('server-option', 'server-option=', 'server-option=a=b', 'server-option=a=b')).toBe(
      plain,
    );
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
