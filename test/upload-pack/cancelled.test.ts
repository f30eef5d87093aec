/** Requests whose client goes away: wherever the work pauses, it can end there, and leaves nothing behind. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { PackhorseError } from '../../src/errors.ts';
import { Pace } from '../../src/pack/pace.ts';
import { PacketInput } from '../../src/protocol/packet-input.ts';
import { RepositoryCaches } from '../../src/repository/repository-caches.ts';
import { OwnBitmaps } from '../../src/store/own-bitmaps.ts';
import { ByteSink } from '../../src/upload-pack/byte-sink.ts';
import { newStatistics } from '../../src/upload-pack/statistics.ts';
import { type Exchange, UploadPack } from '../../src/upload-pack/upload-pack.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { copyFixture } from '../support/fixtures.ts';
import { git } from '../support/git.ts';
import { addCommit, createRepository, History } from '../support/history.ts';
import { encodeRequest, pkt } from '../support/requests.ts';

/** Pauses whenever it may, and is cancelled in one of the pauses. */
class Cancelled extends Pace {
  pauses = 0;
  readonly #at: number;

  constructor(at = Number.POSITIVE_INFINITY) {
    super();
    this.#at = at;
  }

  override due(): boolean {
    return true;
  }

  override pause(): Promise<void> {
    this.pauses++;
    const paused = super.pause();
    if (this.pauses === this.#at) this.cancel();
    return paused;
  }
}

/** What is asked of a repository. */
type Work = (server: UploadPack, exchange: Exchange) => Promise<unknown>;

const root = temporaryDirectory();
const directory = makeRepository();
const commits = git(directory, ['rev-list', '--all']).split('\n');
const [tip] = commits;
const old = commits.at(-5)!;

/** A multi-pack-index with a bitmap over two packs, a commit-graph, loose objects; refs loose, and packed out of order. */
function makeRepository(): string {
  const directory = createRepository(root, 'a.git');
  for (const part of [0, 1]) {
    const history = new History(100 * part);
    for (let n = 0; n < 20; n++) {
      const from = n === 0 && part === 1 ? 'refs/heads/part0^0' : undefined;
      const files = { [`file${n % 5}`]: `${part} ${n}\n`.repeat(20), [`d/${part}/${n}`]: `${n}\n` };
      const commit = history.commit({ branch: `part${part}`, files, ...(from && { from }) });
      if (n % 3 === 0) history.tag(`v${part}.${n}`, commit);
    }
    history.importInto(directory);
  }
  git(directory, ['multi-pack-index', 'write', '--bitmap']);
  git(directory, ['commit-graph', 'write', '--reachable']);
  git(directory, ['pack-refs', '--all']);
  const packed = path.join(directory, 'packed-refs');
  const [, ...refs] = fs
    .readFileSync(packed, 'latin1')
    .trimEnd()
    .split(/\n(?!\^)/);
  fs.writeFileSync(packed, `# pack-refs with: peeled \n${refs.reverse().join('\n')}\n`);
  git(directory, ['update-ref', 'refs/heads/main', 'refs/heads/part1']);
  addCommit(directory, 'main', { 'file one': 'loose\n', file1: 'more\n' });
  git(directory, ['config', 'transfer.advertiseObjectInfo', 'true']);
  return directory;
}

function ask(command: string, args: readonly string[]): Work {
  const request = encodeRequest(command, args);
  return (server, exchange) => server.answer(2, PacketInput.of(request), exchange);
}

function askV0(lines: readonly string[]): Work {
  const request = Buffer.from(lines.map((line) => (line === '' ? '0000' : pkt(`${line}\n`))).join(''));
  return (server, exchange) => server.answer(0, PacketInput.of(request), exchange);
}

const haves = commits.slice(-10).map((oid) => `have ${oid}`);
const plain = () => {
  const copy = path.join(root, 'plain.git');
  if (!fs.existsSync(copy)) git(root, ['clone', '-q', '--bare', '--no-local', directory, copy]);
  return copy;
};

/** Each with the repository, and work that comes through the phase. */
const PHASES: Readonly<Record<string, readonly [repository: () => string, work: Work]>> = {
  'refs are listed': [() => directory, ask('ls-refs', ['peel', 'symrefs', 'ref-prefix refs/'])],
  'refs of reftables are listed': [
    () => copyFixture(temporaryDirectory(), 'reftable-index'),
    ask('ls-refs', ['peel', 'symrefs']),
  ],
  'refs are advertised': [() => directory, (server, exchange) => server.advertise(0, exchange)],
  'a list of refs is sent as a file': [
    () => directory,
    (server, exchange) => server.sendFile('info/refs', exchange, () => {}),
  ],
  'haves are looked up': [() => directory, ask('fetch', ['no-progress', `want ${tip}`, ...haves])],
  'haves are looked up in version 0': [
    () => directory,
    askV0([`want ${tip} multi_ack_detailed no-progress`, '', ...haves, '']),
  ],
  'history is cut': [
    () => directory,
    ask('fetch', ['no-progress', `want ${tip}`, `shallow ${old}`, 'deepen 7', 'done']),
  ],
  'a clone is counted by bitmaps': [
    () => directory,
    ask('fetch', ['no-progress', `want ${tip}`, 'ofs-delta', 'done']),
  ],
  'a clone is counted by walking': [
    () => plain(),
    ask('fetch', ['no-progress', `want ${tip}`, 'ofs-delta', 'done']),
  ],
  'a fetch is counted, and deltas are made': [
    () => directory,
    ask('fetch', [
      'no-progress',
      `want ${tip}`,
      `have ${old}`,
      'thin-pack',
      'ofs-delta',
      'include-tag',
      'done',
    ]),
  ],
  'objects are described': [
    () => directory,
    ask('object-info', ['size', ...commits.map((oid) => `oid ${oid}`)]),
  ],
  'bitmaps are built': [
    () => plain(),
    (server, { pace }) => server.buildBitmaps(new OwnBitmaps(temporaryDirectory()), pace),
  ],
};

/** Files of the repository that this process has open. */
function openFiles(repository: string): string[] {
  const links = fs.readdirSync('/proc/self/fd').map((fd) => {
    try {
      return fs.readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return '';
    }
  });
  return links.filter((link) => link.startsWith(repository)).sort();
}

async function run(server: UploadPack, work: Work, pace: Pace): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  const sink = new ByteSink((bytes) => void parts.push(bytes));
  await work(server, { sink, pace, statistics: newStatistics('none') });
  return Buffer.concat(parts);
}

describe('a client goes away while', () => {
  it.each(Object.entries(PHASES))(
    '%s: the work ends there, and the next is as ever',
    async (_, [open, work]) => {
      const repository = open();
      const caches = new RepositoryCaches();
      const server = new UploadPack(repository, { caches });
      const whole = new Cancelled();
      const expected = await run(server, work, whole);
      const kept = openFiles(repository);
      caches.close();
      expect(openFiles(repository)).toEqual([]);
      expect(whole.pauses).toBeGreaterThan(10);
      // With nothing read before, so that index files are read and checked in the pauses too.
      const step = Math.ceil(whole.pauses / 25);
      for (let at = 1; at <= whole.pauses; at += step) {
        const fresh = new RepositoryCaches();
        const server = new UploadPack(repository, { caches: fresh });
        const pace = new Cancelled(at);
        const end = run(server, work, pace);
        await expect(end).rejects.toThrow(expect.objectContaining({ code: 'PACKHORSE_CANCELLED' }));
        expect(pace.pauses).toBe(at);
        for (const file of openFiles(repository)) expect(kept).toContain(file);
        expect((await run(server, work, new Pace())).equals(expected)).toBe(true);
        expect(openFiles(repository)).toEqual(kept);
        fresh.close();
        expect(openFiles(repository)).toEqual([]);
      }
    },
  );
});

it('of several that wait for the same files, some go away and the others are answered', async () => {
  const [, work] = PHASES['a clone is counted by bitmaps'];
  const alone = new Cancelled();
  const first = new UploadPack(directory);
  const expected = await run(first, work, alone);
  first.close();
  for (let at = 1; at <= alone.pauses; at += Math.ceil(alone.pauses / 12)) {
    const caches = new RepositoryCaches();
    const server = new UploadPack(directory, { caches });
    const clients = [at, undefined, at + 1, undefined].map((end) => run(server, work, new Cancelled(end)));
    const outcomes = await Promise.all(
      clients.map((client) => client.catch((error: PackhorseError) => error)),
    );
    for (const outcome of [outcomes[1], outcomes[3]]) expect(expected.equals(outcome as Buffer)).toBe(true);
    expect(outcomes[0]).toBeInstanceOf(PackhorseError);
    expect(openFiles(directory)).toHaveLength(2);
    caches.close();
    expect(openFiles(directory)).toEqual([]);
  }
});
