/** What a client may make the server remember: on a connection no door bounds what it says. */
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { Pace } from '../../src/pack/pace.ts';
import { PacketInput } from '../../src/protocol/packet-input.ts';
import { ByteSink } from '../../src/upload-pack/byte-sink.ts';
import { newStatistics } from '../../src/upload-pack/statistics.ts';
import { UploadPack } from '../../src/upload-pack/upload-pack.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { DELIM, FLUSH, pkt } from '../support/requests.ts';

const repository = createRepository(temporaryDirectory(), 'a.git');
let commits: string[];
let server: UploadPack;

beforeAll(() => {
  const history = new History();
  for (let i = 0; i < 6; i++) history.commit({ branch: 'main', files: { a: `${i}\n` } });
  history.importInto(repository);
  commits = git(repository, ['rev-list', 'main']).split('\n');
  server = new UploadPack(repository);
});

/** The answer without the statistics that its progress ends with, which tell how long it took. */
async function answer(version: 0 | 2, input: PacketInput) {
  const statistics = newStatistics('none');
  const parts: Uint8Array[] = [];
  const sink = new ByteSink((bytes) => void parts.push(bytes));
  await server.answer(version, input, { sink, pace: new Pace(), statistics });
  return { bytes: Buffer.concat(parts).toString('latin1'), statistics };
}

function ask(version: 0 | 2, ...lines: readonly string[]) {
  return answer(version, PacketInput.of(Buffer.from(lines.join(''))));
}

/** Input that says the same over and over, without ever holding more than a piece of it. */
function flood(start: string, line: string, times: number): PacketInput {
  const piece = Buffer.from(line.repeat(1000));
  let left = times / 1000;
  const input = new PacketInput(() => queueMicrotask(() => (left-- > 0 ? input.push(piece) : input.end())));
  input.push(Buffer.from(start));
  return input;
}

test.each([
  ['version 2', 2, () => flood(pkt('command=fetch') + DELIM, pkt('thin-pack'), 2_500_000)],
  ['version 0', 0, () => flood(pkt(`want ${commits[0]}`) + FLUSH, pkt(`have ${'1'.repeat(40)}`), 2_500_000)],
] as const)('a request of %s that has no end is refused', { timeout: 120_000 }, async (_, version, input) => {
  await expect(answer(version, input())).rejects.toThrow('the request is too long');
});

test('many prefixes, or long ones, list everything', async () => {
  const all = await ask(2, pkt('command=ls-refs'), DELIM, FLUSH);
  expect(all.bytes).toContain('refs/heads/main');
  const few = await ask(2, pkt('command=ls-refs'), DELIM, pkt('ref-prefix x').repeat(65_535), FLUSH);
  expect(few.bytes).toBe(FLUSH);
  const many = await ask(2, pkt('command=ls-refs'), DELIM, pkt('ref-prefix x').repeat(65_536), FLUSH);
  expect(many.bytes).toBe(all.bytes);
  const long = pkt('ref-prefix '.padEnd(65_000, 'x'));
  expect((await ask(2, pkt('command=ls-refs'), DELIM, long.repeat(65), FLUSH)).bytes).toBe(all.bytes);
});

/** Lines about objects that are here or not, some again and again, in any order. */
const said = fc.array(
  fc.tuple(
    fc.constantFrom('have', 'shallow'),
    fc.oneof(
      fc.nat({ max: 5 }),
      fc.nat({ max: 5 }).map((n) => n + 6),
    ),
  ),
  { maxLength: 40 },
);

test.each([
  ['in number', () => pkt('agent=x').repeat(1000)],
  ['in length', () => pkt('agent='.padEnd(65_000, 'x')).repeat(17)],
])('capabilities are bounded %s', async (_, capabilities) => {
  const most = ask(2, pkt('command=ls-refs'), pkt('agent=x').repeat(999), DELIM, FLUSH);
  expect((await most).statistics.command).toBe('ls-refs');
  const more = ask(2, pkt('command=ls-refs'), capabilities(), DELIM, FLUSH);
  await expect(more).rejects.toThrow('too many capabilities');
});

test.each([0, 2] as const)(
  'in version %i what is said twice, or is not here, changes nothing',
  async (version) => {
    const oid = (n: number) => commits[n] ?? `${n}`.repeat(40).slice(0, 40);
    const request = (lines: readonly (readonly [string, number])[]) => {
      const of = (kind: string) =>
        lines.filter(([word]) => word === kind).map(([word, n]) => pkt(`${word} ${oid(n)}`));
      const want = `want ${commits[0]} no-progress side-band-64k`;
      return version === 0
        ? [pkt(want), ...of('shallow'), FLUSH, ...of('have'), pkt('done')]
        : [
            pkt('command=fetch'),
            DELIM,
            pkt(want),
            pkt('no-progress'),
            ...of('shallow'),
            ...of('have'),
            pkt('done'),
            FLUSH,
          ];
    };
    await fc.assert(
      fc.asyncProperty(said, async (lines) => {
        const known = lines.filter(([, n]) => n < commits.length);
        const once = known.filter(([word, n], i) => known.findIndex(([w, m]) => w === word && m === n) === i);
        const full = await ask(version, ...request(lines));
        const short = await ask(version, ...request(once));
        // In version 0 each have is acknowledged, as by git.
        expect(full.bytes.replaceAll(/^.{4}ACK .*\n/gm, '')).toBe(
          short.bytes.replaceAll(/^.{4}ACK .*\n/gm, ''),
        );
        expect(full.statistics.common).toBe(once.filter(([word]) => word === 'have').length);
      }),
      { numRuns: 30 },
    );
  },
);
