import zlib from 'node:zlib';
import type { ProtocolVersion } from '../../../src/protocol/version.ts';
import type { UploadPack } from '../../../src/upload-pack/upload-pack.ts';
import { expectedObjects } from '../../support/fixtures.ts';
import { mutatePackets } from '../packets.ts';
import { ask, converse, mustBePackets, serveFixture } from '../served.ts';
import { readCorpus } from '../storage.ts';
import type { Target } from '../target.ts';

/** Two kinds of refs: in a file, and in tables. */
const FIXTURES = ['pack-all-tails', 'reftable-sha1'];

const FILTERS = [
  'blob:none',
  'blob:limit=1k',
  'tree:1',
  'object:type=tree',
  'sparse:oid=main:sparse',
  'combine:blob:none+tree:3',
];

/** Lines that a client may send, with ids of objects that are there. */
function linesOf(): string[] {
  const ids = FIXTURES.flatMap((name) => expectedObjects(name).filter((_, i) => i % 9 === 0));
  const named = ids.flatMap((id) => [`want ${id}`, `have ${id}`, `shallow ${id}`]);
  const depths = ['0', '1', '2', '0x7fffffff', '-1'].map((depth) => `deepen ${depth}`);
  const refs = ['refs/heads/main', 'HEAD', 'refs/tags/v12', 'refs/'];
  return [
    ...named,
    ...depths,
    ...FILTERS.map((filter) => `filter ${filter}`),
    ...refs.flatMap((ref) => [`want-ref ${ref}`, `deepen-not ${ref}`, `ref-prefix ${ref}`]),
    'deepen-since 1700000000',
    'deepen-relative',
    'done',
    'wait-for-done',
    'thin-pack',
    'no-progress',
    'include-tag',
    'ofs-delta',
    'sideband-all',
    'packfile-uris https',
    'peel',
    'symrefs',
    'unborn',
    'size',
    `oid ${ids[0]}`,
    'command=fetch',
    'command=ls-refs',
    'command=object-info',
    'agent=x',
    'object-format=sha1',
    `want ${ids[1]} multi_ack_detailed side-band-64k thin-pack ofs-delta no-done deepen-relative filter`,
    `want ${ids[2]} multi_ack side-band include-tag no-progress`,
  ];
}

function requests(name: string, version: ProtocolVersion): Target {
  let lines: string[] | undefined;
  let servers: UploadPack[] | undefined;
  return {
    name,
    reads: `requests of protocol version ${version}, answered`,
    seeds: () => readCorpus(name),
    mutate(input, random) {
      lines ??= linesOf();
      return mutatePackets(input, random, lines);
    },
    async run(input) {
      servers ??= FIXTURES.map(serveFixture);
      const way = zlib.crc32(input);
      const server = servers[way % FIXTURES.length];
      mustBePackets(await (way & 16 ? converse : ask)(server, version, input));
    },
  };
}

export const v2Request: Target = requests('v2-request', 2);
export const v0Request: Target = requests('v0-request', 0);
