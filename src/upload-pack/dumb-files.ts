/** What the dumb protocol reads: files as they lie, and lists made as they are asked for (protocol section 3.6). */
import fs from 'node:fs';
import path from 'node:path';
import { fileNotFound } from '../errors.ts';
import { unlessMissing } from '../repository/missing-file.ts';
import type { CommandContext } from './command.ts';
import type { LineBuffer } from './line-buffer.ts';
import { listRefs, type RefFormat } from './list-refs.ts';

export interface DumbFile {
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

/** Bytes sent at a time. */
const SLICE = 2 ** 17;

/** @throws PackhorseError `PACKHORSE_FILE_NOT_FOUND` */
export async function sendDumbFile(
  context: CommandContext,
  name: string,
  onFile: (file: DumbFile) => void,
): Promise<void> {
  const { sink } = context;
  // A failure halfway can only be told by ending too early.
  await sink.openBands(new Uint8Array(), 'none');
  if (name === 'info/refs') await sendRefs(context);
  else if (name === 'HEAD') await sink.sendLines(Buffer.from(await headOf(context), 'latin1'));
  else if (name === 'objects/info/packs') await sink.sendLines(Buffer.from(packsOf(context)));
  else await sendStored(context, name, onFile);
}

/** Every visible ref but HEAD: `<oid> TAB <name>`, the peeled value of a tag in a line of its own. */
async function sendRefs(context: CommandContext): Promise<void> {
  await listRefs(context, { prefixes: ['refs/'], key: ['info/refs'], format: textFormat, unframed: true });
}

function textFormat(lines: LineBuffer): RefFormat {
  const add = (oid: string, name: string, peeled: string | null) => {
    lines.text(`${oid}\t${name}`);
    if (!peeled) return lines.end();
    lines.text(`\n${peeled}\t${name}^{}`);
    return lines.end();
  };
  return {
    peels: true,
    ref: (oid, { name }, peeled) => add(oid, name, peeled),
    stored: (ref) => add(ref.oidHex(), ref.name(), ref.peeledHex() ?? null),
    finish: () => lines.finish(new Uint8Array()),
  };
}

async function headOf({ repository, pace }: CommandContext): Promise<string> {
  await repository.refs.prepare(pace.pauseIfDue);
  const head = repository.refs.resolve('HEAD');
  if (!head?.oid || repository.isHidden('HEAD')) return '';
  return head.target ? `ref: ${head.target}\n` : `${head.oid}\n`;
}

/** The packs of the repository's own, the youngest first. */
function packsOf({ repository }: CommandContext): string {
  const directory = repository.fileAt('objects/pack');
  const names = directory ? unlessMissing(() => fs.readdirSync(directory), []) : [];
  const packs = names
    .filter((name) => name.endsWith('.pack') && names.includes(name.replace(/pack$/, 'idx')))
    .map((name) => ({
      name,
      modified: unlessMissing(() => fs.statSync(path.join(directory!, name)).mtimeMs, 0),
    }))
    .sort((a, b) => b.modified - a.modified);
  return `${packs.map(({ name }) => `P ${name}\n`).join('')}\n`;
}

async function sendStored(
  { repository, sink, pace }: CommandContext,
  name: string,
  onFile: (file: DumbFile) => void,
): Promise<void> {
  const real = repository.fileAt(name);
  if (!real) throw fileNotFound(name);
  const file = await fs.promises.open(real);
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw fileNotFound(name);
    onFile({ bytes: stat.size, modified: stat.mtimeMs });
    const buffer = Buffer.allocUnsafeSlow(SLICE);
    for (let left = stat.size; left > 0; ) {
      const { bytesRead } = await file.read(buffer, 0, Math.min(left, SLICE));
      if (bytesRead === 0) throw fileNotFound(`more of ${name}`);
      await sink.sendLines(buffer.subarray(0, bytesRead));
      left -= bytesRead;
      pace.check();
    }
  } finally {
    await file.close();
  }
}
