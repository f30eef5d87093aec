/**
 * Answers to `ls-refs`, and tags that go along with a pack, that are given again: never when anything changed. git is the
 * judge of the answers after each step, one who keeps nothing that of the tags.
 */
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { UploadPackV2 } from '../../src/index.ts';
import { KeptAnswers } from '../../src/repository/kept-answers.ts';
import { DEFAULT_BUDGETS, RepositoryCaches } from '../../src/repository/repository-caches.ts';
import { Stamps } from '../../src/repository/stamps.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { GIT_ENVIRONMENT, git, gitBytes } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { decodePackets, encodeRequest, FLUSH, pkt } from '../support/requests.ts';

/** In a minute all that is written now has long settled. */
const LATER = () => Date.now() + 60_000;
const ALL = ['peel', 'symrefs', 'unborn'];
const BRANCHES = [...ALL, 'ref-prefix refs/heads/', 'ref-prefix HEAD'];

let directory: string;
let commits: string[];
let tags: string[];
let server: UploadPackV2;

/** Counts the answers that are kept: one that is given again is not. */
class Watched extends KeptAnswers {
  kept = 0;
  override keep(...args: Parameters<KeptAnswers['keep']>): void {
    this.kept++;
    super.keep(...args);
  }
}

let answers: Watched;

function newServer(now: () => number = LATER): UploadPackV2 {
  const caches = new RepositoryCaches(DEFAULT_BUDGETS, { now });
  answers = new Watched(DEFAULT_BUDGETS.answers);
  return new UploadPackV2(directory, { caches: Object.assign(caches, { answers }) });
}

function makeRepository(): void {
  directory = createRepository(temporaryDirectory(), 'a.git');
  const history = new History();
  const marks = [0, 1, 2, 3].map((i) => history.commit({ branch: 'main', files: { file: `${i}\n` } }));
  for (const [i, mark] of marks.entries()) history.tag(`v${i}`, mark);
  history.importInto(directory);
  commits = git(directory, ['rev-list', 'main']).split('\n');
  tags = git(directory, ['for-each-ref', '--format=%(objectname)', 'refs/tags']).split('\n');
  server = newServer();
}

beforeEach(makeRepository);

/**
 * The answer of git, less what is left out here: git 2.39 lists refs whose object is not there, and broken ones with
 * the zero id.
 */
function byGit(args: readonly string[]): string {
  const env = { ...GIT_ENVIRONMENT, GIT_PROTOCOL: 'version=2' };
  const request = encodeRequest('ls-refs', args);
  const answer = gitBytes(directory, ['upload-pack', '--stateless-rpc', directory], { env, input: request });
  const lines = decodePackets(answer).map(({ text }) => text);
  const input = lines.map((line) => `${line.slice(0, 40)}\n`).join('');
  const found = git(directory, ['cat-file', '--batch-check'], { input }).split('\n');
  const listed = lines.filter((line, i) => line.includes('HEAD') || !found[i].endsWith(' missing'));
  return `${listed.map((line) => pkt(`${line}\n`)).join('')}${FLUSH}`;
}

async function byUs(args: readonly string[]): Promise<string> {
  return Buffer.from(await server.feed(encodeRequest('ls-refs', args))).toString('latin1');
}

/**
 * Sets the times of everything back, as if it had been written long ago: two writes within one tick of the file
 * system's clock, which a stamp cannot tell apart, are not what these tests are about.
 */
function age(): void {
  const past = new Date(2020, 1, 1);
  const visit = (file: string) => {
    const stat = fs.lstatSync(file);
    if (stat.isDirectory()) for (const name of fs.readdirSync(file)) visit(path.join(file, name));
    fs.lutimesSync(file, past, past);
  };
  for (const name of fs.readdirSync(directory)) visit(path.join(directory, name));
}

/** A pack of all commits of `main` at first, with the tags that point at them; or why there is none. */
async function packOf(uploadPack: UploadPackV2): Promise<string> {
  const request = encodeRequest('fetch', [`want ${commits[0]}`, 'include-tag', 'no-progress', 'done']);
  try {
    return Buffer.from(await uploadPack.feed(request)).toString('hex');
  } catch (error) {
    return String(error);
  }
}

async function checkTags(): Promise<void> {
  expect(await packOf(server)).toBe(await packOf(new UploadPackV2(directory)));
}

/** Asks twice, the second time for what was kept, and compares with git. */
async function check(): Promise<void> {
  await checkTags();
  for (const args of [ALL, BRANCHES]) {
    const expected = byGit(args);
    expect(await byUs(args)).toBe(expected);
  }
  age();
  for (const args of [ALL, BRANCHES]) {
    const first = await byUs(args);
    const { kept } = answers;
    expect(await byUs(args)).toBe(first);
    expect(answers.kept).toBe(kept);
  }
  await checkTags();
  await checkTags();
}

function write(name: string, text: string): void {
  const file = path.join(directory, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text);
}

/** One change on disk, by git or past it; some change nothing. */
function act(kind: string, ref: string, other: string, value: number): void {
  const file = path.join(directory, 'refs/heads', ref);
  const quietly = (...args: string[]) => {
    try {
      git(directory, args);
    } catch {
      // A ref below another, or one that is not there: nothing changes.
    }
  };
  switch (kind) {
    case 'update':
      quietly('update-ref', `refs/heads/${ref}`, commits[value]);
      break;
    case 'tag':
      quietly('update-ref', `refs/tags/${ref}`, tags[value]);
      break;
    case 'delete':
      quietly('update-ref', '-d', `refs/heads/${ref}`);
      break;
    case 'pack':
      quietly('pack-refs');
      break;
    case 'pack all':
      quietly('pack-refs', '--all', '--prune');
      break;
    case 'symbolic':
      quietly('symbolic-ref', `refs/heads/${ref}`, `refs/heads/${other}`);
      break;
    case 'head':
      quietly('symbolic-ref', 'HEAD', `refs/heads/${ref}`);
      break;
    case 'detach':
      quietly('update-ref', '--no-deref', 'HEAD', commits[value]);
      break;
    case 'in place':
      if (fs.statSync(file, { throwIfNoEntry: false })?.isFile())
        fs.writeFileSync(file, `${commits[value]}\n`);
      break;
    case 'by hand':
      if (!fs.existsSync(file)) {
        try {
          write(`refs/heads/${ref}`, `${commits[value]}\n`);
        } catch {
          // A file where a directory should be.
        }
      }
      break;
    case 'remove':
      fs.rmSync(file, { force: true, recursive: true });
      break;
    case 'repack':
      quietly('repack', '-q', '-ad');
      break;
    case 'hide':
      quietly('config', 'transfer.hideRefs', `refs/heads/${ref}`);
      break;
    case 'hide tags':
      quietly('config', 'transfer.hideRefs', `refs/tags/${ref}`);
      break;
    case 'loose object': {
      const oid = git(directory, ['commit-tree', '-m', `${ref}${value}`, `${commits[0]}^{tree}`]);
      quietly('update-ref', `refs/heads/${ref}`, oid);
      break;
    }
    case 'prune':
      // Objects go while refs still name them.
      for (const entry of fs.readdirSync(path.join(directory, 'objects'))) {
        if (entry.length === 2) fs.rmSync(path.join(directory, 'objects', entry), { recursive: true });
      }
  }
}

describe('an answer is given again', () => {
  it('while nothing changes, and made anew when a ref moves', async () => {
    age();
    const first = await byUs(ALL);
    expect(await byUs(ALL)).toBe(first);
    expect(answers.kept).toBe(1);
    git(directory, ['update-ref', 'refs/heads/main', commits[2]]);
    expect(await byUs(ALL)).toBe(byGit(ALL));
    expect(answers.kept).toBe(2);
  });

  it('never where git, or anyone else, changed anything', async () => {
    const name = fc.constantFrom('a', 'b', 'd/e', 'd/f', 'main', 'x/y/z');
    const value = fc.nat(3);
    const kind = fc.constantFrom(
      'update',
      'tag',
      'delete',
      'pack',
      'pack all',
      'symbolic',
      'head',
      'detach',
      'in place',
      'by hand',
      'remove',
      'repack',
      'hide',
      'hide tags',
      'loose object',
      'prune',
    );
    const step = fc.record({ kind, name, other: name, value });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        makeRepository();
        await check();
        for (const { kind, name, other, value } of steps) {
          act(kind, name, other, value);
          await check();
        }
      }),
      { numRuns: 12, endOnFailure: true },
    );
  });

  it('not when packed-refs alone was written anew', async () => {
    git(directory, ['pack-refs', '--all']);
    age();
    await byUs(ALL);
    const file = path.join(directory, 'packed-refs');
    const moved = fs
      .readFileSync(file, 'latin1')
      .replace(`${commits[0]} refs/heads`, `${commits[1]} refs/heads`);
    fs.writeFileSync(file, moved, 'latin1');
    const answer = await byUs(ALL);
    expect(answer).toContain(`${commits[1]} refs/heads/main`);
    expect(answer).toBe(byGit(ALL));
  });

  it('not when a pack went with the object of a ref', async () => {
    const history = new History(100);
    history.commit({ branch: 'other', files: { other: 'other\n' } });
    const before = fs.readdirSync(path.join(directory, 'objects/pack'));
    history.importInto(directory);
    age();
    expect(await byUs(ALL)).toContain('refs/heads/other');
    for (const name of fs.readdirSync(path.join(directory, 'objects/pack'))) {
      if (!before.includes(name)) fs.rmSync(path.join(directory, 'objects/pack', name));
    }
    const answer = await byUs(ALL);
    expect(answer).not.toContain('refs/heads/other');
    expect(answer).toBe(byGit(ALL));
  });

  it('in the place of the one of older packs', async () => {
    const memory = [];
    for (let n = 0; n < 3; n++) {
      const history = new History(100 + 100 * n);
      history.commit({ branch: 'other', files: { other: `${n}\n` } });
      history.importInto(directory);
      git(directory, ['repack', '-q', '-ad']);
      age();
      await byUs(ALL);
      expect(answers.kept).toBe(n + 1);
      memory.push(answers.memory);
    }
    expect(memory).toEqual([memory[0], memory[0], memory[0]]);
  });

  it('only where everything was two seconds old when it was read', async () => {
    git(directory, ['pack-refs', '--all']);
    const settled = fs.lstatSync(path.join(directory, 'packed-refs')).ctimeMs + 2000;
    // The youngest of all that is read.
    for (const name of ['config', 'HEAD', 'refs', 'refs/heads', 'refs/tags', 'packed-refs']) {
      fs.utimesSync(path.join(directory, name), settled / 1000, settled / 1000);
    }
    for (const [now, kept] of [
      [settled + 1999, 0],
      [settled + 2001, 1],
    ]) {
      server = newServer(() => now);
      await byUs(ALL);
      await byUs(ALL);
      expect([now, answers.kept]).toEqual([now, kept]);
    }
  });

  it('not where a ref was left out: its object may come', async () => {
    write('refs/heads/lost', `${'1'.repeat(40)}\n`);
    age();
    expect(await byUs(ALL)).toBe(byGit(ALL));
    expect(answers.kept).toBe(0);
    expect(await byUs([...ALL, 'ref-prefix refs/tags/'])).toBe(byGit([...ALL, 'ref-prefix refs/tags/']));
    expect(answers.kept).toBe(1);
  });

  it('not where a ref is a link out of the refs: what it leads to may change', async () => {
    fs.symlinkSync('main', path.join(directory, 'refs/heads/link'));
    age();
    expect(await byUs(ALL)).toBe(byGit(ALL));
    expect(answers.kept).toBe(0);
  });

  it('to the same arguments only', async () => {
    age();
    for (const args of [[], ['peel'], ['symrefs'], ALL, BRANCHES, [...ALL, 'ref-prefix refs/tags/']]) {
      expect(await byUs(args)).toBe(byGit(args));
    }
    expect(answers.kept).toBe(6);
  });

  it('not to long lists of prefixes', async () => {
    age();
    const prefixes = Array.from({ length: 100 }, (_, i) => `ref-prefix refs/tags/v${i}`);
    expect(await byUs(prefixes)).toBe(byGit(prefixes));
    expect(answers.kept).toBe(0);
  });

  it('with the number of its refs', async () => {
    age();
    for (let i = 0; i < 2; i++) {
      const { statistics } = await server.feed(encodeRequest('ls-refs', ALL), () => {});
      expect(statistics.refs).toBe(6);
    }
  });

  it('even when a client changes the bytes that it got', async () => {
    age();
    for (let i = 0; i < 2; i++) {
      let text = '';
      await server.feed(encodeRequest('ls-refs', ALL), (bytes) => {
        text += Buffer.from(bytes).toString('latin1');
        bytes.fill(0);
      });
      expect(text).toBe(byGit(ALL));
    }
  });
});

describe('the tags that go along with a pack', () => {
  /** How often they were looked up for two requests. */
  async function lookUps(): Promise<number> {
    answers.kept = 0;
    for (let i = 0; i < 2; i++) await checkTags();
    return answers.kept;
  }

  it('are looked up once while nothing changes', async () => {
    age();
    expect(await lookUps()).toBe(1);
    expect(await lookUps()).toBe(0);
  });

  it('are those that are there now', async () => {
    age();
    const before = await packOf(server);
    git(directory, ['update-ref', '-d', 'refs/tags/v1']);
    await checkTags();
    expect(await packOf(server)).not.toBe(before);
  });

  it('are those that are not hidden now', async () => {
    age();
    const before = await packOf(server);
    git(directory, ['config', 'transfer.hideRefs', 'refs/tags/v1']);
    await checkTags();
    expect(await packOf(server)).not.toBe(before);
  });

  it('are looked up each time where one lies loose, and when packs change', async () => {
    git(directory, ['tag', '-a', '-m', 'loose', 'loose', commits[0]]);
    age();
    expect(await lookUps()).toBe(0);
    git(directory, ['repack', '-q', '-ad']);
    age();
    expect(await lookUps()).toBe(1);
  });
});

describe('the store of answers', () => {
  const stamps = new Stamps();
  const answer = (bytes: number) => ({ pieces: [new Uint8Array(bytes)], refs: 0, stamps, packs: '' });

  it('lets go of the least recently used above its budget', () => {
    const store = new KeptAnswers(1000);
    for (const key of ['a', 'b', 'c']) store.keep(key, answer(300));
    store.get('a');
    store.keep('d', answer(300));
    expect(['a', 'b', 'c', 'd'].filter((key) => store.get(key))).toEqual(['a', 'c', 'd']);
    expect(store.memory).toBe(903);
    store.drop('c');
    expect(store.memory).toBe(602);
    store.keep('a', answer(100));
    expect(store.memory).toBe(402);
  });

  it('does not take what would push out half of the others', () => {
    const store = new KeptAnswers(1000);
    store.keep('a', answer(501));
    expect(store.get('a')).toBeUndefined();
    expect(store.memory).toBe(0);
  });
});
