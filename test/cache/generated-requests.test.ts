/** What is sent from the cache is, byte for byte, what would have been made: for requests of every shape. */
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { post } from '../support/raw-client.ts';
import { hasPack, metric, settled } from '../support/request-log.ts';
import { encodeRequest, parseFetchAnswer } from '../support/requests.ts';
import { type RunningService, startService } from '../support/service.ts';

const COMMITS = 40;
const RUNS = 60;

const root = temporaryDirectory();
let commits: string[];
let tag: string;
let caching: RunningService;
let making: RunningService;

beforeAll(async () => {
  const source = createRepository(root, 'source.git');
  const history = new History();
  for (let n = 0; n < COMMITS; n++) {
    const text = `${'a line that stays\n'.repeat(40)}${n}\n`;
    history.commit({ branch: 'main', files: { [`f${n % 7}`]: text, [`d/${n % 5}/g`]: `${n}\n` } });
  }
  history.tag('v1', ':20');
  history.importInto(source);
  git(source, ['config', 'uploadpack.allowFilter', 'true']);
  commits = git(source, ['rev-list', '--reverse', 'main']).split('\n');
  tag = git(source, ['rev-parse', 'refs/tags/v1']);
  caching = await startService(root, ['--cache-min-uses', '1', '--own-bitmaps', 'off']);
  making = await startService(root, ['--cache-size', '0', '--own-bitmaps', 'off']);
});

const FLAGS = ['thin-pack', 'ofs-delta', 'include-tag', 'no-progress'] as const;
const place = fc.nat(COMMITS - 1);
const shape = fc.record({
  wants: fc.uniqueArray(place, { minLength: 1, maxLength: 3 }),
  tag: fc.boolean(),
  haves: fc.uniqueArray(place, { maxLength: 3 }),
  depth: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
  filter: fc.option(fc.constantFrom('blob:none', 'tree:1', 'blob:limit=100'), { nil: undefined }),
  flags: fc.subarray([...FLAGS]),
});

type Shape = typeof shape extends fc.Arbitrary<infer T> ? T : never;

function encode({ wants, tag: wantsTag, haves, depth, filter, flags }: Shape) {
  return encodeRequest('fetch', [
    ...flags,
    ...wants.map((n) => `want ${commits[n]}`),
    ...(wantsTag ? [`want ${tag}`] : []),
    ...(depth === undefined ? [] : [`deepen ${depth}`]),
    ...(filter === undefined ? [] : [`filter ${filter}`]),
    ...haves.map((n) => `have ${commits[n]}`),
    'done',
  ]);
}

/** All but progress. */
async function ask(service: RunningService, request: Buffer) {
  const { lines, pack, error, complete } = parseFetchAnswer(
    (await post(service, 'source.git', request)).body,
  );
  return { lines, pack: pack.toString('hex'), error, complete };
}

test('one request after the other', async () => {
  await fc.assert(
    fc.asyncProperty(shape, async (one) => {
      const request = encode(one);
      const made = await ask(making, request);
      expect(made.complete).toBe(true);
      expect(await ask(caching, request)).toEqual(made);
      expect(await ask(caching, request)).toEqual(made);
    }),
    { numRuns: RUNS },
  );
  await settled(caching);
  const results = caching.log.filter(hasPack).map(({ statistics }) => statistics.cache);
  expect(results.filter((result) => result === 'hit').length).toBeGreaterThanOrEqual(RUNS);
  for (const lane of ['light', 'fetch', 'clone']) {
    expect(await metric(caching, `packhorse_admission_in_progress{lane="${lane}"}`)).toBe(0);
  }
});

test('requests that differ in one thing are not mistaken for each other', async () => {
  const fields = ['wants', 'tag', 'haves', 'depth', 'filter', 'flags'] as const;
  const pair = fc.tuple(shape, shape, fc.constantFrom(...fields), fc.constantFrom(...FLAGS));
  await fc.assert(
    fc.asyncProperty(pair, async ([one, two, field, flag]) => {
      const flags = one.flags.includes(flag)
        ? one.flags.filter((each) => each !== flag)
        : [...one.flags, flag];
      const other = field === 'flags' ? { ...one, flags } : { ...one, [field]: two[field] };
      for (const request of [encode(one), encode(other)]) {
        expect(await ask(caching, request)).toEqual(await ask(making, request));
      }
    }),
    { numRuns: 4 * RUNS },
  );
});
