/** What goes wrong, beside the real `git upload-pack`: exit codes, what is said on standard error and to the client. */
import { beforeAll, describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { buildExecutable } from '../support/executable.ts';
import { git } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { DELIM, decodePackets, FLUSH, pkt, v2Request } from '../support/requests.ts';
import { GIT_UPLOAD_PACK, type Program, protocol, runProgram } from './upload-pack.ts';

const root = temporaryDirectory();
const ABSENT = '0123456789'.repeat(4);
let packhorse: Program;
let repository: string;
let tip: string;

beforeAll(() => {
  packhorse = [process.execPath, buildExecutable(), 'upload-pack'];
  repository = createRepository(root, 'source.git');
  const history = new History();
  history.commit({ branch: 'main', files: { a: 'a\n' } });
  history.importInto(repository);
  git(repository, ['config', 'uploadpack.allowRefInWant', 'true']);
  tip = git(repository, ['rev-parse', 'main']);
});

/** What a client is told, behind the advertisement if there is one. */
function answerOf(stdout: Buffer): string[] {
  const packets = decodePackets(stdout).map(({ text }) => text);
  return packets.slice(packets.indexOf('flush') + 1);
}

async function expectAsGit(version: number, flags: readonly string[], input: string): Promise<void> {
  const options = { input, environment: protocol(version) };
  const [ours, theirs] = await Promise.all(
    [packhorse, GIT_UPLOAD_PACK].map((program) => runProgram(program, [...flags, repository], options)),
  );
  expect(ours.status).toBe(theirs.status);
  expect(ours.stderr.trim()).toBe(theirs.stderr.trim());
  const told = answerOf(theirs.stdout);
  // Where git leaves the client alone with a broken connection, it is told what the operator reads.
  const isSilent = theirs.status !== 0 && !told.some((line) => line.startsWith('ERR '));
  const reason = theirs.stderr.trim().replace('fatal: ', 'ERR ');
  expect(answerOf(ours.stdout)).toEqual(isSilent ? [...told, reason] : told);
}

/** With the arguments of `fetch`, for a client that wants what is there. */
function fetch(...args: string[]): string {
  return v2Request('fetch', [`want ${tip}`, ...args, 'done']);
}

describe.each([['on a connection'], ['in a request', '--stateless-rpc']])('version 2 %s', (_, ...flags) => {
  test.each<[string, () => string]>([
    ['nothing', () => ''],
    ['a lone flush', () => FLUSH],
    ['a fetch of nothing', () => v2Request('fetch', ['done'])],
    ['an object that is not there', () => v2Request('fetch', [`want ${ABSENT}`, 'done'])],
    ['no command', () => `${pkt('agent=x')}${FLUSH}`],
    ['an unknown command', () => v2Request('push')],
    ['a command with a value', () => v2Request('fetch=x', [])],
    ['a command as a capability', () => v2Request('fetch', [], ['ls-refs'])],
    ['two commands', () => v2Request('fetch', [], ['command=ls-refs'])],
    ['an unknown capability', () => v2Request('fetch', [], ['color=red'])],
    ['another object format', () => v2Request('ls-refs', [], ['object-format=sha256'])],
    ['an unknown object format', () => v2Request('ls-refs', [], ['object-format=md5'])],
    ['an object format without a name', () => v2Request('ls-refs', [], ['object-format'])],
    ['an unknown argument of ls-refs', () => v2Request('ls-refs', ['color'])],
    ['two lists of arguments', () => `${pkt('command=ls-refs')}${DELIM}${pkt('peel')}${DELIM}${FLUSH}`],
    ['an unknown argument of fetch', () => fetch('color')],
    ['a filter that is not allowed', () => fetch('filter blob:none')],
    ['a want that is no id', () => fetch('want x')],
    ['a ref that is not there', () => fetch('want-ref refs/heads/none')],
    ['a have that is no id', () => fetch('have x')],
    ['a shallow commit that is no id', () => fetch('shallow x')],
    ['a depth that is no number', () => fetch('deepen x')],
    ['a depth of nothing', () => fetch('deepen 0')],
    ['a time that is no number', () => fetch('deepen-since x')],
    ['a length that is no number', () => 'zzzz'],
    ['a length of 3', () => '0003'],
    ['a packet that is too long', () => `fff4${'x'.repeat(65_520)}`],
    ['half a length', () => `${pkt('command=ls-refs')}00`],
    ['half a packet', () => `${pkt('command=ls-refs')}0009ab`],
    ['half a request', () => pkt('command=ls-refs')],
    ['an error of the client', () => pkt('ERR enough')],
  ])('%s', (_, input) => expectAsGit(2, flags, input()));
});

describe.each([
  ['version 0', 0],
  ['version 1', 1],
])('%s', (_, version) => {
  test.each<[string, () => string]>([
    ['nothing', () => ''],
    ['a lone flush', () => FLUSH],
    ['an object that is not there', () => `${pkt(`want ${ABSENT}`)}${FLUSH}`],
    ['a line that is no want', () => `${pkt(`wish ${tip}`)}${FLUSH}`],
    ['a filter that is not agreed on', () => `${pkt(`want ${tip}`)}${pkt('filter blob:none')}${FLUSH}`],
    ['a shallow commit that is no id', () => `${pkt(`want ${tip}`)}${pkt('shallow x')}${FLUSH}`],
    ['a depth that is no number', () => `${pkt(`want ${tip}`)}${pkt('deepen x')}${FLUSH}`],
    ['a depth and a time', () => `${pkt(`want ${tip}`)}${pkt('deepen 1')}${pkt('deepen-since 1')}${FLUSH}`],
    ['half a list of wants', () => pkt(`want ${tip}`)],
    ['wants and nothing more', () => `${pkt(`want ${tip}`)}${FLUSH}`],
    ['a line that is no have', () => `${pkt(`want ${tip}`)}${FLUSH}${pkt('hold')}`],
    ['a have that is no id', () => `${pkt(`want ${tip}`)}${FLUSH}${pkt('have x')}`],
    ['a length that is no number', () => 'zzzz'],
    ['an error of the client', () => pkt('ERR enough')],
  ])('%s', (_, input) => expectAsGit(version, [], input()));
});

test.each([0, 1, 2])('a directory that is no repository, version %i', async (version) => {
  const environment = protocol(version);
  const [ours, theirs] = await Promise.all(
    [packhorse, GIT_UPLOAD_PACK].map((program) => runProgram(program, ['no/such.git'], { environment })),
  );
  expect(ours).toMatchObject({ status: theirs.status, stderr: theirs.stderr });
  expect(answerOf(ours.stdout)).toEqual(['ERR repository not found']);
});

describe('arguments', () => {
  const firstLine = (text: string) => text.split('\n', 1)[0];

  test.each([
    [[]],
    [['one', 'two']],
    [['--color', '.']],
    [['-x', '.']],
    [['--strict=yes', '.']],
    [['--no-strict=yes', '.']],
    [['--timeout']],
    [['--timeout=soon', '.']],
    [['--st', '.']],
  ])('%j: as git refuses them', async (args) => {
    const [ours, theirs] = await Promise.all(
      [packhorse, GIT_UPLOAD_PACK].map((program) => runProgram(program, args)),
    );
    expect(ours).toMatchObject({ status: 129, stdout: Buffer.alloc(0) });
    expect(theirs.status).toBe(129);
    const error = /^error: .*$/m.exec(theirs.stderr)?.[0];
    if (error?.includes('numerical value'))
      expect(ours.stderr).toContain("option `timeout' expects an integer");
    else if (error) expect(firstLine(ours.stderr)).toBe(error);
    else expect(firstLine(ours.stderr)).toBe(firstLine(theirs.stderr).replace('git-', 'packhorse '));
  });

  test.each([
    [['--advertise-refs']],
    [['--http-backend-info-refs', '--timeout', '10']],
    [['--adv', '--strict', '--no-strict', '--timeout=10', '--no-timeout']],
    [['--advertise-refs', '--stateless-rpc', '--timeout=-1']],
    [['--advertise-refs', '--']],
  ])('%j: as git takes them', async (args) => {
    const [ours, theirs] = await Promise.all(
      [packhorse, GIT_UPLOAD_PACK].map((program) => runProgram(program, [...args, repository])),
    );
    expect(theirs).toMatchObject({ status: 0, stderr: '' });
    expect(ours).toMatchObject({ status: 0, stderr: '' });
    const own = (text: string) => text.replace(/agent=\S+/, '');
    expect(decodePackets(ours.stdout).map(({ text }) => own(text))).toEqual(
      decodePackets(theirs.stdout).map(({ text }) => own(text)),
    );
  });

  test.each(['-h', '--help'])('%s: what there is to be given', async (flag) => {
    const { status, stdout, stderr } = await runProgram(packhorse, [flag]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    for (const name of ['--[no-]strict', '--timeout', '--stateless-rpc', '--server', '<directory>']) {
      expect(stdout.toString()).toContain(name);
    }
  });
});
