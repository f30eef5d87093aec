/** Answers whose every line is in a band; bytes as git gives them. */
import { beforeAll, describe, expect, it } from 'vitest';
import { protocolError } from '../../src/errors.ts';
import { readPack, UploadPackV2 } from '../../src/index.ts';
import { Pace } from '../../src/pack/pace.ts';
import { PacketInput } from '../../src/protocol/packet-input.ts';
import { ByteSink } from '../../src/upload-pack/byte-sink.ts';
import { newStatistics } from '../../src/upload-pack/statistics.ts';
import { UploadPack } from '../../src/upload-pack/upload-pack.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { gitAnswer } from '../support/git-answer.ts';
import { createRepository, History } from '../support/history.ts';
import { DELIM, decodePackets, FLUSH, pkt, v2Request } from '../support/requests.ts';

const ABSENT = '1'.repeat(40);
let repository: string;
let server: UploadPackV2;
let main: string;
let parent: string;

beforeAll(() => {
  repository = createRepository(temporaryDirectory(), 'a.git');
  const history = new History();
  for (const name of ['a', 'b', 'c']) history.commit({ branch: 'main', files: { [name]: name } });
  history.importInto(repository);
  git(repository, ['config', 'uploadpack.allowSidebandAll', 'true']);
  git(repository, ['config', 'uploadpack.allowRefInWant', 'true']);
  [main, parent] = git(repository, ['rev-list', 'main']).split('\n');
  server = new UploadPackV2(repository);
});

/** A packet on a band. */
const banded = (band: number, text: string) => pkt(String.fromCharCode(band) + text);

async function ask(...args: string[]): Promise<string> {
  return Buffer.from(await server.feed(Buffer.from(v2Request('fetch', args)))).toString('latin1');
}

describe('an answer without a pack', () => {
  it.each<[title: string, args: () => string[], expected: () => string]>([
    [
      'nothing in common',
      () => ['sideband-all', `want ${main}`, `have ${ABSENT}`],
      () => banded(1, 'acknowledgments\n') + banded(1, 'NAK\n') + FLUSH,
    ],
    [
      'acknowledgments',
      () => ['sideband-all', 'wait-for-done', `want ${main}`, `have ${parent}`],
      () => banded(1, 'acknowledgments\n') + banded(1, `ACK ${parent}\n`) + FLUSH,
    ],
    ['no wants', () => ['sideband-all'], () => ''],
    [
      'the line behind all others',
      () => [`want ${main}`, `have ${ABSENT}`, 'sideband-all'],
      () => banded(1, 'acknowledgments\n') + banded(1, 'NAK\n') + FLUSH,
    ],
  ])('%s', async (_, args, expected) => {
    expect(await ask(...args())).toBe(expected());
    expect(gitAnswer(repository, v2Request('fetch', args())).stdout.toString('latin1')).toBe(expected());
  });
});

describe('an error', () => {
  it.each<[title: string, args: string[], expected: string]>([
    [
      'behind the line is told on band 3',
      ['sideband-all', `want ${ABSENT}`],
      banded(3, `upload-pack: not our ref ${ABSENT}`),
    ],
    [
      'of a ref behind the line is told on band 3',
      ['sideband-all', 'want-ref refs/x'],
      banded(3, 'unknown ref refs/x'),
    ],
    [
      'before the line is told as ever',
      [`want ${ABSENT}`, 'sideband-all'],
      pkt(`ERR upload-pack: not our ref ${ABSENT}`),
    ],
    [
      'of a ref before the line is told as ever',
      ['want-ref refs/x', 'sideband-all'],
      pkt('ERR unknown ref refs/x'),
    ],
  ])('%s', async (_, args, expected) => {
    expect(await ask(...args)).toBe(expected);
    expect(gitAnswer(repository, v2Request('fetch', args)).stdout.toString('latin1')).toBe(expected);
  });

  it('that git keeps to itself is told on band 3 as well', async () => {
    expect(await ask('sideband-all', 'frotz')).toBe(banded(3, "unexpected line: 'frotz'"));
  });
});

it('puts every section before the pack into band 1', async () => {
  const args = ['sideband-all', 'no-progress', 'want-ref HEAD', `have ${parent}`, 'deepen 2'];
  const answer = await ask(...args);
  const sections = [
    banded(1, 'acknowledgments\n') + banded(1, `ACK ${parent}\n`) + banded(1, 'ready\n'),
    banded(1, 'shallow-info\n') + banded(1, `shallow ${parent}`),
    banded(1, 'wanted-refs\n') + banded(1, `${main} HEAD\n`),
    banded(1, 'packfile\n'),
  ].join(DELIM);
  expect(answer.slice(0, sections.length)).toBe(sections);
  const pack = decodePackets(Buffer.from(answer.slice(sections.length), 'latin1'));
  expect(pack.at(-1)?.text).toBe('flush');
  const bytes = Buffer.concat(pack.slice(0, -1).map(({ bytes }) => bytes.subarray(1)));
  expect(readPack(bytes).map(({ oid }) => oid)).toContain(main);
});

it.each<[title: string, args: () => string[]]>([
  ['no wants', () => []],
  ['a round of negotiation', () => [`want ${main}`, `have ${ABSENT}`]],
  ['a pack', () => [`want ${main}`, 'done']],
])('ends with its answer: %s', async (_, args) => {
  const written: Uint8Array[] = [];
  const sink = new ByteSink((bytes) => void written.push(bytes));
  const request = PacketInput.of(Buffer.from(v2Request('fetch', ['sideband-all', ...args()])));
  const exchange = { sink, pace: new Pace(), statistics: newStatistics('none') };
  await new UploadPack(repository).answer(2, request, exchange);
  // What fails now is another request on the same connection.
  await sink.sendFailure(protocolError('no command requested'));
  expect(Buffer.from(written.at(-1)!).toString()).toBe(pkt('ERR no command requested'));
});

it('is no argument where uploadpack.allowSidebandAll does not say so', async () => {
  const other = createRepository(temporaryDirectory(), 'b.git');
  const answer = await new UploadPackV2(other).feed(Buffer.from(v2Request('fetch', ['sideband-all'])));
  expect(Buffer.from(answer).toString()).toBe(pkt("ERR unexpected line: 'sideband-all'"));
});
