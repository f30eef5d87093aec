/** Is the answer right? git is the judge, once a workload and outside of what is measured. */
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { FetchResponse } from '../response.ts';
import { askUploadPack } from '../upload-pack.ts';
import { receivePack, requireObjects } from './receive-pack.ts';
import type { PackAnswer, Workload } from './workload.ts';

/** Sends the workload's request; `onBytes` gets the answer. */
export type Ask = (onBytes: (bytes: Buffer) => void) => Promise<void>;

export interface Answer {
  /** Of the pack, or of the whole response where there is none. */
  readonly bytes: number;
  /** In the pack. */
  readonly objects: number;
}

export interface Checked {
  readonly ours: Answer;
  /** In the order of the workload's gits. */
  readonly gits: readonly Answer[];
}

/**
 * @param kept directory below which it is remembered what was found right
 * @throws Error when the service's answer is not as good as git's
 */
export async function checkAnswer(workload: Workload, kept: string, ask: Ask): Promise<Checked> {
  const { answer } = workload;
  if (answer === 'refs') return checkRefs(ask, gitAsks(workload));
  const gits = await gitPacks(workload);
  return { ours: await checkPack(workload, answer, kept, ask, gits), gits };
}

/** The same for packs that take long to index: it goes by the number of objects and the pack's trailer alone. */
export async function countAnswer(workload: Workload, _kept: string, ask: Ask): Promise<Checked> {
  const gits = await gitPacks(workload);
  const ours = await readPack(workload.repository.format, ask);
  requireNoMore(ours, gits);
  const fewest = Math.min(...gits.map(({ objects }) => objects));
  if (ours.objects < fewest) throw new Error(`${ours.objects} objects, where git sends at least ${fewest}`);
  return { ours, gits };
}

function gitAsks({ repository: { directory }, request, gits }: Workload): Ask[] {
  return gits.map(
    ({ config }) =>
      (onBytes) =>
        askUploadPack({ directory, config }, request, onBytes),
  );
}

async function gitPacks(workload: Workload): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const each of gitAsks(workload)) answers.push(await readPack(workload.repository.format, each));
  return answers;
}

function requireNoMore({ objects }: Answer, gits: readonly Answer[]): void {
  const most = Math.max(...gits.map((each) => each.objects));
  if (objects > most) throw new Error(`${objects} objects, where git sends at most ${most}`);
}

async function checkRefs(ask: Ask, gits: readonly Ask[]): Promise<Checked> {
  const ours = await readAll(ask);
  for (const each of gits) {
    if (!ours.equals(await readAll(each))) throw new Error('the refs are not those that git lists');
  }
  const answer = { bytes: ours.length, objects: 0 };
  return { ours: answer, gits: gits.map(() => answer) };
}

async function checkPack(
  { repository }: Workload,
  answer: PackAnswer,
  kept: string,
  ask: Ask,
  gits: readonly Answer[],
): Promise<Answer> {
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'packhorse-check-'));
  try {
    const file = path.join(scratch, 'pack');
    const pack = await readPack(repository.format, ask, file);
    // The trailer names the whole content: what was found right once need not be indexed again.
    const asked = crypto.createHash('sha256').update(JSON.stringify(answer)).digest('hex');
    const known = path.join(kept, 'checked', `${pack.checksum}-${asked.slice(0, 12)}`);
    if (!fs.existsSync(known)) {
      requireNoMore(pack, gits);
      const receiver = path.join(scratch, 'receiver.git');
      const received = receivePack(repository, answer, receiver, file);
      requireObjects(repository, answer, receiver, received);
      fs.mkdirSync(path.dirname(known), { recursive: true });
      fs.writeFileSync(known, '');
    }
    return pack;
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

/** Reads a whole pack, into a file if there is one. */
async function readPack(format: string, ask: Ask, file?: string): Promise<Answer & { checksum: string }> {
  const output = file === undefined ? undefined : fs.openSync(file, 'w');
  try {
    const response = new FetchResponse(format, {
      onPack(data) {
        if (output !== undefined) fs.writeSync(output, data);
      },
    });
    await ask((bytes) => response.push(bytes));
    response.end();
    const { packBytes, objects = 0, checksum } = response;
    return { bytes: packBytes, objects, checksum };
  } finally {
    if (output !== undefined) fs.closeSync(output);
  }
}

async function readAll(ask: Ask): Promise<Buffer> {
  const parts: Buffer[] = [];
  await ask((bytes) => parts.push(Buffer.from(bytes)));
  return Buffer.concat(parts);
}
