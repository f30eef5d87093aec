/** The last line that a client is shown: git's, then where the objects came from and what it cost. */
import { expect, test } from 'vitest';
import { UploadPackV2 } from '../../src/index.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { git } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { encodeRequest, parseFetchAnswer } from '../support/requests.ts';

function createSource(): string {
  const source = createRepository(temporaryDirectory(), 'source.git');
  const history = new History();
  const text = (n: number) => Array.from({ length: 80 }, (_, i) => `line ${i} ${i === n ? 'changed' : ''}\n`);
  for (let n = 0; n < 12; n++) history.commit({ branch: 'main', files: { file: text(n).join('') } });
  history.importInto(source);
  return source;
}

async function totalLine(source: string, args: readonly string[]) {
  const server = new UploadPackV2(source);
  const parts: Uint8Array[] = [];
  const write = (bytes: Uint8Array) => void parts.push(bytes);
  const { statistics } = await server.feed(encodeRequest('fetch', args), write);
  server.close();
  const line = parseFetchAnswer(Buffer.concat(parts)).progress.trimEnd().split('\n').at(-1)!;
  return { line, statistics };
}

test.each([
  ['used', ['repack', '-q', '-adfb']],
  ['absent', ['-c', 'repack.writeBitmaps=false', 'repack', '-q', '-adf']],
])('with bitmap %s', async (use, repack) => {
  const source = createSource();
  git(source, repack);
  const [tip, old] = ['main', 'main~4'].map((name) => git(source, ['rev-parse', name]));
  const args = [`want ${tip}`, `have ${old}`, 'thin-pack', 'ofs-delta', 'done'];
  const { line, statistics } = await totalLine(source, args);
  const { total, verbatim, delta, stream, made, kept, deflated } = statistics.objects;
  expect(statistics.bitmap).toBe(use);
  expect(made).toBeGreaterThan(0);
  expect(verbatim + delta + stream + made + kept + deflated).toBe(total);
  const bytes = ['verbatim', 'delta', 'stream', 'made', 'kept', 'deflated'] as const;
  expect(line.slice(0, line.indexOf('; seconds: '))).toBe(
    `Total ${total} (delta ${delta + made}), reused ${delta + stream} (delta ${delta}), ` +
      `pack-reused ${verbatim} (from 1); made ${made}, kept ${kept}, deflated ${deflated}; bitmap ${use}; ` +
      `bytes: ${bytes.map((source) => `${source} ${statistics.bytes[source]}`).join(', ')}`,
  );
  const seconds = ['negotiate', 'queue', 'count', 'entries', 'bytes', 'wait'].map(
    (phase) => `${phase} \\d+\\.\\d\\d`,
  );
  expect(line).toMatch(new RegExp(`; seconds: ${seconds.join(', ')}$`));
});
