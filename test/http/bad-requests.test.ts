/** Requests that break the protocol: each gets a clear error, and nothing else suffers. */
import { beforeAll, expect, test } from 'vitest';
import { clone, expectSameRepository, gitIn } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { post } from '../support/raw-client.ts';
import { pkt, v2Request } from '../support/requests.ts';
import { type RunningService, startService } from '../support/service.ts';

const root = temporaryDirectory();
const NAME = 'repo.git';
const ABSENT = '1234567890123456789012345678901234567890';
let service: RunningService;
let source: string;
let tip: string;

beforeAll(async () => {
  service = await startService(root, ['--workers', '1']);
  source = createRepository(root, NAME);
  const history = new History();
  history.commit({ branch: 'main', files: { a: 'a\n' } });
  history.importInto(source);
  tip = git(source, ['rev-parse', 'main']);
});

/** The one `ERR` line that a request gets. */
async function errorOf(body: string | Buffer): Promise<string> {
  const answer = await post(service, NAME, body);
  expect(answer.status).toBe(200);
  const text = answer.body.toString();
  expect(text.slice(4, 8)).toBe('ERR ');
  expect(Number.parseInt(text.slice(0, 4), 16)).toBe(answer.body.length);
  return text.slice(8).trimEnd();
}

const LS_REFS = pkt('command=ls-refs\n');

test.each([
  ['a cut length', `${LS_REFS}00`, 'the remote end hung up unexpectedly'],
  ['a cut line', `${LS_REFS}0020age`, 'the remote end hung up unexpectedly'],
  ['no flush', LS_REFS, 'the remote end hung up unexpectedly'],
  [
    'no flush after the arguments',
    `${LS_REFS}0001${pkt('peel\n')}`,
    'expected flush after ls-refs arguments',
  ],
  ['a length that is no number', 'zzzz', 'protocol error: bad line length character: zzzz'],
  ['bytes that are no text', Buffer.from([0, 255, 10, 7]), 'protocol error: bad line length character: ????'],
  ['a length of 3', '0003', 'protocol error: bad line length 3'],
  ['a response end', '0002', 'protocol error: bad line length 2'],
  ['an oversized line', `fff4${'x'.repeat(65_520)}`, 'protocol error: bad line length 65520'],
  ['an error of the client', `${pkt('ERR no more')}0000`, 'remote error: no more'],
  [
    'a version 0 request',
    `${pkt(`want ${ABSENT} ofs-delta\n`)}0000`,
    `unknown capability 'want ${ABSENT} ofs-delta'`,
  ],
  ['no command', `${pkt('agent=x\n')}0000`, 'no command requested'],
  ['no command but arguments', `0001${pkt('peel\n')}0000`, 'no command requested'],
  [
    'two commands',
    `${LS_REFS}${pkt('command=fetch\n')}0000`,
    "command 'fetch' requested after already requesting command 'ls-refs'",
  ],
  ['an unknown command', v2Request('frotz'), "invalid command 'frotz'"],
  ['a command with a value', v2Request('ls-refs=unborn'), "invalid command 'ls-refs=unborn'"],
  ['a command that is a property of every object', v2Request('constructor'), "invalid command 'constructor'"],
  ['an unknown capability', v2Request('ls-refs', [], ['frotz=1']), "unknown capability 'frotz=1'"],
  ['a command as a capability', v2Request('ls-refs', [], ['fetch']), "unknown capability 'fetch'"],
  [
    'an unknown object format',
    v2Request('ls-refs', [], ['object-format=md5']),
    "unknown object format 'md5'",
  ],
  [
    'another object format',
    v2Request('ls-refs', [], ['object-format=sha256']),
    'mismatched object format: server sha1; client sha256',
  ],
  [
    'no object format',
    v2Request('ls-refs', [], ['object-format']),
    'object-format capability requires an argument',
  ],
  ['an unknown argument of ls-refs', v2Request('ls-refs', ['frotz']), "unexpected line: 'frotz'"],
  ['an unknown argument of fetch', v2Request('fetch', ['frotz']), "unexpected line: 'frotz'"],
  [
    'a filter, which is not offered',
    v2Request('fetch', ['filter blob:none']),
    "unexpected line: 'filter blob:none'",
  ],
  [
    'a want that is no id',
    v2Request('fetch', ['want main']),
    "git upload-pack: protocol error, expected to get oid, not 'want main'",
  ],
  [
    'a have that is no id',
    v2Request('fetch', ['have main']),
    "git upload-pack: expected SHA1 object, got 'main'",
  ],
  ['a depth of 0', v2Request('fetch', ['deepen 0']), 'Invalid deepen: deepen 0'],
  ['a negative depth', v2Request('fetch', ['deepen -1']), 'Invalid deepen: deepen -1'],
  ['a depth that is no number', v2Request('fetch', ['deepen x']), 'Invalid deepen: deepen x'],
  ['a shallow line without an id', v2Request('fetch', ['shallow x']), 'invalid shallow line: shallow x'],
  [
    'an object that is not there',
    v2Request('fetch', [`want ${ABSENT}`, 'done']),
    `upload-pack: not our ref ${ABSENT}`,
  ],
])('%s', async (_, request, message) => {
  expect(await errorOf(request)).toBe(message);
});

test('an object that is not there, among others and with haves', async () => {
  const request = v2Request('fetch', [`want ${tip}`, `want ${ABSENT}`, `have ${tip}`]);
  expect(await errorOf(request)).toBe(`upload-pack: not our ref ${ABSENT}`);
});

test('something shallow that is no commit', async () => {
  const blob = git(source, ['rev-parse', 'main:a']);
  expect(await errorOf(v2Request('fetch', [`want ${tip}`, `shallow ${blob}`, 'deepen 1', 'done']))).toBe(
    `invalid shallow object ${blob}`,
  );
});

test('git shows the error to its user', async () => {
  const client = createRepository(root, 'client.git');
  await expect(gitIn(client, ['fetch', `${service.url}/${NAME}`, ABSENT])).rejects.toThrow(
    `fatal: remote error: upload-pack: not our ref ${ABSENT}`,
  );
});

test('a fetch without wants gets no answer at all', async () => {
  expect(await post(service, NAME, v2Request('fetch', ['done']))).toMatchObject({
    status: 200,
    body: Buffer.alloc(0),
  });
});

test('lines without line feed, upper-case lengths and ids are taken', async () => {
  const request = `${pkt('command=fetch')}0001${pkt(`want ${tip.toUpperCase()}`)}${pkt('done')}0000`;
  const upper = request.replace(/^[0-9a-f]{4}/, (length) => length.toUpperCase());
  expect((await post(service, NAME, upper)).body.toString('latin1')).toContain('packfile');
});

test('after all of this the service still serves, with its one worker', async () => {
  expectSameRepository(source, await clone(service, NAME));
  expect(service.log.filter(({ level }) => level >= 50)).toEqual([]);
  expect(service.log.filter(({ outcome }) => outcome === 'error')).toEqual([]);
});
