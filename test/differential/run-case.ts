/** One case from its question to what differs. */
import { type Outcome, readAnswers } from './answers.ts';
import { differences } from './compare.ts';
import type { Cell } from './coverage.ts';
import { encodeQuestion } from './encode.ts';
import type { Situation } from './expectations.ts';
import { askPackhorse, type Door, type Response, runUploadPack } from './judge.ts';
import type { TestRepository } from './repositories.ts';
import type { Question } from './requests.ts';
import { breaksOff, readRounds, translate } from './rounds.ts';

export interface CaseResult {
  readonly differences: readonly string[];
  /** Whether git had nothing to complain of. */
  readonly answered: boolean;
  /** All that is to be known of the case, for people. */
  readonly report: () => string;
}

export async function runCase(
  cell: Cell,
  question: Question,
  repositories: readonly TestRepository[],
): Promise<CaseResult> {
  const repository = chooseRepository(cell, question, repositories);
  return runBytes(cell, encodeQuestion(question, cell, repository), repository);
}

export async function runBytes(door: Door, bytes: Buffer, repository: TestRepository): Promise<CaseResult> {
  const { directory } = repository;
  const { asked, deepensNothing } = translate(bytes, door.version, repository);
  const [gitResponse, ourResponse] = await Promise.all([
    runUploadPack(['git', 'upload-pack'], directory, door, asked),
    askPackhorse(directory, door, bytes),
  ]);
  const situation: Situation = {
    repository,
    door,
    rounds: readRounds(bytes, door.version),
    breaksOff: breaksOff(bytes, door),
    deepensNothing,
  };
  let found: string[];
  try {
    found = differences(outcomeOf(ourResponse, door), outcomeOf(gitResponse, door), situation);
  } catch (error) {
    found = [String(error)];
  }
  return {
    differences: found,
    answered: gitResponse.code === 0,
    report: () =>
      [
        ...found,
        `repository ${directory}`,
        `sent (version ${door.version}, ${door.stateless ? 'stateless' : 'on a connection'}): ${show(bytes)}`,
        ...(asked === bytes ? [] : [`sent to git: ${show(asked)}`]),
        `git, exit code ${gitResponse.code}: ${show(gitResponse.bytes)}`,
        gitResponse.stderr,
        `Packhorse, exit code ${ourResponse.code}: ${show(ourResponse.bytes)}`,
        ourResponse.stderr,
      ].join('\n'),
  };
}

function outcomeOf({ bytes, code, stderr }: Response, door: Door): Outcome {
  const error = stderr.split('\n').findLast((line) => line.startsWith('fatal: ')) ?? '';
  return { answers: readAnswers(bytes, door), code, error: error.replace('fatal: ', '') };
}

/** Text as it is, up to a pack; other bytes as escapes. */
function show(bytes: Buffer): string {
  const text = bytes.toString('latin1').slice(0, 6000);
  const shown = text
    .replace(/PACK.*$/s, 'PACK…')
    .replace(/[^\x20-\x7e\n]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return shown;
}

const FILTERS_ALLOWED = 'uploadpack.allowFilter=true';

/** Repositories that allow what is asked, but for questions that are to meet others. */
function chooseRepository(
  cell: Cell,
  { repository, variety }: Question,
  all: readonly TestRepository[],
): TestRepository {
  const suitable = all.filter(({ config, graph, visible, hidden }) => {
    if (visible.size === 0) return variety === 'wants' && cell.filter === 'none' && cell.shallow !== 'not';
    // git takes a commit that a hidden ref points at for one that the client has.
    const misleads = [...hidden.values()].some((oid) => graph.get(oid)?.type === 'commit');
    if (cell.version !== 2 && cell.haves && misleads) return false;
    if (variety === 'repository' || cell.filter === 'none') return true;
    return config.includes(FILTERS_ALLOWED) && !config.some((line) => line.startsWith('uploadpackfilter.'));
  });
  return suitable[repository % suitable.length];
}
