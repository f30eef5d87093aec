/** The cases of git's t5701 (serve v2), byte for byte. git is asked as well wherever 2.39 and 2.55 say the same. */
import { beforeEach, describe, expect, it } from 'vitest';
import { UploadPackV2, VERSION } from '../../src/index.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { gitAnswer } from '../support/git-answer.ts';
import { createRepository, History } from '../support/history.ts';
import { DELIM, FLUSH, pkt, v2Request } from '../support/requests.ts';

const UNKNOWN = '30d74d258442c7c65512eafab474568dd706c430';
const TWO = 'two\n';
let repository: string;
let server: UploadPackV2;
/** Object ids by name. */
let id: (name: string) => string;

/** `one` and `two` on main, both tagged, `dev` at `one`, a symbolic branch, and an annotated tag. */
beforeEach(() => {
  repository = createRepository(temporaryDirectory(), 'a.git');
  const history = new History();
  const one = history.commit({ branch: 'main', files: { 'one.t': 'one\n' } });
  const two = history.commit({ branch: 'main', files: { 'two.t': TWO } });
  history.ref('refs/heads/dev', one);
  history.ref('refs/tags/one', one);
  history.ref('refs/tags/two', two);
  history.tag('annotated-tag', two);
  history.importInto(repository);
  git(repository, ['symbolic-ref', 'refs/heads/release', 'refs/heads/main']);
  server = new UploadPackV2(repository);
  id = (name) => git(repository, ['rev-parse', name]);
});

const configure = (key: string, value: string) => git(repository, ['config', key, value]);

async function ask(request: string): Promise<string> {
  return Buffer.from(await server.feed(Buffer.from(request, 'latin1'))).toString('latin1');
}

/** Lines as they stand in `pkt-line unpack`. */
function packets(...lines: string[]): string {
  return lines.map((line) => (line === FLUSH || line === DELIM ? line : pkt(`${line}\n`))).join('');
}

/** A request for a command, whose object format is named. */
function command(name: string, ...args: string[]): string {
  return v2Request(name, args, ['object-format=sha1']);
}

describe('advertisement', () => {
  const BASE = [
    'version 2',
    `agent=packhorse/${VERSION}`,
    'ls-refs=unborn',
    'fetch=shallow wait-for-done',
    'server-option',
    'object-format=sha1',
  ];
  const advertised = () => Buffer.from(server.advertise()).toString('latin1');

  it('lists what is always there', () => {
    expect(advertised()).toBe(packets(...BASE, FLUSH));
  });

  it('lists bundle-uri where uploadpack.advertiseBundleURIs says so', () => {
    configure('uploadpack.advertiseBundleURIs', 'true');
    expect(advertised()).toBe(packets(...BASE, 'bundle-uri', FLUSH));
  });

  it('does not list object-info where transfer.advertiseObjectInfo says so', () => {
    configure('transfer.advertiseObjectInfo', 'false');
    expect(advertised()).toBe(packets(...BASE, FLUSH));
  });

  it.each([
    ['a lone flush', FLUSH],
    ['no bytes', ''],
  ])('is not the answer to %s', async (_, request) => {
    expect(await ask(request)).toBe('');
    expect(gitAnswer(repository, request)).toEqual({ stdout: Buffer.alloc(0), stderr: '' });
  });
});

describe('what is refused', () => {
  it.each<[title: string, request: string, text: string]>([
    ['an unknown capability', packets('foobar', FLUSH), "unknown capability 'foobar'"],
    ['no command', packets('agent=git/test', 'object-format=sha1', FLUSH), 'no command requested'],
    [
      'an unknown command',
      packets('command=foo', 'object-format=sha1', 'agent=git/test', FLUSH),
      "invalid command 'foo'",
    ],
    [
      'a capability as a command',
      packets('command=agent', 'object-format=sha1', FLUSH),
      "invalid command 'agent'",
    ],
    [
      'a command as a capability',
      packets('command=ls-refs', 'object-format=sha1', 'fetch', FLUSH),
      "unknown capability 'fetch'",
    ],
    [
      'a command with a value',
      packets('command=ls-refs=whatever', 'object-format=sha1', FLUSH),
      "invalid command 'ls-refs=whatever'",
    ],
    [
      'another object format',
      packets('command=fetch', 'agent=git/test', 'object-format=sha256', FLUSH),
      'mismatched object format: server sha1; client sha256',
    ],
    ['an unknown argument of ls-refs', command('ls-refs', 'no-such-arg'), "unexpected line: 'no-such-arg'"],
    [
      'an unknown argument of fetch',
      command('fetch', 'this-is-not-a-command'),
      "unexpected line: 'this-is-not-a-command'",
    ],
    ['bundle-uri, not enabled', packets('command=bundle-uri', FLUSH), "invalid command 'bundle-uri'"],
    // The first line that is wrong is told of.
    [
      'a wrong command before a wrong capability',
      packets('command=foo', 'foobar', FLUSH),
      "invalid command 'foo'",
    ],
    [
      'a wrong capability before a wrong command',
      packets('foobar', 'command=foo', FLUSH),
      "unknown capability 'foobar'",
    ],
    [
      'a wrong command in another object format',
      packets('object-format=sha256', 'command=foo', FLUSH),
      "invalid command 'foo'",
    ],
    ['a wrong command and nothing behind it', packets('command=foo'), "invalid command 'foo'"],
    ['no more bytes behind a command', packets('command=fetch'), 'the remote end hung up unexpectedly'],
  ])('%s', async (_, request, text) => {
    expect(await ask(request)).toBe(pkt(`ERR ${text}`));
    const { stdout, stderr } = gitAnswer(repository, request);
    expect(stdout).toHaveLength(0);
    expect(stderr.trim()).toBe(`fatal: ${text}`);
  });

  it('object-info, not enabled, and nothing behind it', async () => {
    configure('transfer.advertiseObjectInfo', 'false');
    expect(await ask(packets('command=object-info'))).toBe(pkt("ERR invalid command 'object-info'"));
  });
});

describe('ls-refs', () => {
  const ALL = ['HEAD', ...['dev', 'main', 'release'].map((name) => `refs/heads/${name}`)].concat(
    ['annotated-tag', 'one', 'two'].map((name) => `refs/tags/${name}`),
  );

  it.each<[title: string, args: string[], expected: () => string[]]>([
    ['everything', [], () => ALL.map((name) => `${id(name)} ${name}`)],
    [
      'prefixes',
      ['ref-prefix refs/heads/main', 'ref-prefix refs/tags/one'],
      () => ['refs/heads/main', 'refs/tags/one'].map((name) => `${id(name)} ${name}`),
    ],
    ['a directory', ['ref-prefix refs/heads/'], () => ALL.slice(1, 4).map((name) => `${id(name)} ${name}`)],
    [
      'too many prefixes to go by them',
      Array.from({ length: 65_536 }, (_, i) => `ref-prefix refs/heads/ ${i}`),
      () => ALL.map((name) => `${id(name)} ${name}`),
    ],
    [
      'peeled',
      ['peel', 'ref-prefix refs/tags/'],
      () => [
        `${id('annotated-tag')} refs/tags/annotated-tag peeled:${id('annotated-tag^{}')}`,
        `${id('one')} refs/tags/one`,
        `${id('two')} refs/tags/two`,
      ],
    ],
    [
      'symbolic',
      ['symrefs', 'ref-prefix refs/heads/'],
      () => [
        `${id('dev')} refs/heads/dev`,
        `${id('main')} refs/heads/main`,
        `${id('main')} refs/heads/release symref-target:refs/heads/main`,
      ],
    ],
  ])('lists %s', async (_, args, expected) => {
    const request = command('ls-refs', ...args);
    expect(await ask(request)).toBe(packets(...expected(), FLUSH));
    expect(gitAnswer(repository, request).stdout.toString('latin1')).toBe(packets(...expected(), FLUSH));
  });

  it('takes server options, as many as there are', async () => {
    const head = ['object-format=sha1', 'server-option=hello', 'server-option=world'];
    const request = v2Request('ls-refs', ['ref-prefix HEAD'], head);
    expect(await ask(request)).toBe(packets(`${id('HEAD')} HEAD`, FLUSH));
    expect(gitAnswer(repository, request).stdout.toString('latin1')).toBe(
      packets(`${id('HEAD')} HEAD`, FLUSH),
    );
  });
});

describe('object-info', () => {
  /** Its lines end without LF. */
  const bare = (...lines: string[]) => `${lines.map(pkt).join('')}${FLUSH}`;

  beforeEach(() => configure('transfer.advertiseObjectInfo', 'true'));

  it('tells sizes, of what is named twice two times', async () => {
    const blob = id('two:two.t');
    const request = command('object-info', 'size', `oid ${blob}`, `oid ${blob}`);
    const line = `${blob} ${TWO.length}`;
    expect(await ask(request)).toBe(bare('size', line, line));
    expect(gitAnswer(repository, request).stdout.toString()).toBe(bare('size', line, line));
  });

  it('tells that an object is there', async () => {
    const blob = id('two:two.t');
    expect(await ask(command('object-info', `oid ${blob}`))).toBe(bare(blob));
  });

  it('tells that an object is not there', async () => {
    expect(await ask(command('object-info', `oid ${UNKNOWN}`))).toBe(bare(`${UNKNOWN} `));
  });

  it('tells that an object is not there where its size was asked for', async () => {
    expect(await ask(command('object-info', 'size', `oid ${UNKNOWN}`))).toBe(bare('size', `${UNKNOWN} `));
  });
});
