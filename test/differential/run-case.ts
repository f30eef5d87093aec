/** One case from its question to what differs. */

import { GIT_UPLOAD_PACK } from '../stdio/upload-pack.ts';
import { readOutcome } from './answers.ts';
import { differences } from './compare.ts';
import type { Cell } from './coverage.ts';
import { encodeQuestion } from './encode.ts';
import { askPackhorse, type Door, type Response, runUploadPack } from './judge.ts';
import { namedQuestions, type OtherQuestion, partQuestions, translate } from './other-questions.ts';
import type { TestRepository } from './repositories.ts';
import type { Question } from './requests.ts';
import { breaksOff, readRounds } from './rounds.ts';

export interface CaseResult {
  readonly differences: readonly string[];
  /** Whether git had nothing to complain of. */
  readonly answered: boolean;
  /** All that is to be known of the case, for people. */
  readonly report: () => string;
}

/** How Packhorse is asked. */
export type Ask = (directory: string, door: Door, bytes: Buffer) => Promise<Response>;

export async function runCase(
  cell: Cell,
  question: Question,
  repositories: readonly TestRepository[],
  ask: Ask = askPackhorse,
): Promise<CaseResult> {
  const repository = chooseRepository(cell, question, repositories);
  return runBytes(cell, encodeQuestion(question, cell, repository), repository, ask);
}

export async function runBytes(
  door: Door,
  bytes: Buffer,
  repository: TestRepository,
  ask: Ask = askPackhorse,
): Promise<CaseResult> {
  const { directory } = repository;
  const { asked, deepensNothing } = translate(bytes, door.version, repository);
  const [gitResponse, ourResponse] = await Promise.all([
    runUploadPack(GIT_UPLOAD_PACK, directory, door, asked),
    ask(directory, door, bytes),
  ]);
  const situation = {
    repository,
    door,
    rounds: readRounds(bytes, door.version),
    breaksOff: breaksOff(bytes, door),
    deepensNothing,
    parts: [],
    named: undefined,
  };
  const compare = async () => {
    const ours = readOutcome(ourResponse, door);
    const gits = readOutcome(gitResponse, door);
    const found = differences(ours, gits, situation);
    if (found.length === 0) return found;
    // What a filter leaves out may depend on the order in which git meets things.
    const askGit = async (other: OtherQuestion) =>
      readOutcome(await runUploadPack(GIT_UPLOAD_PACK, directory, other.door, other.bytes), other.door);
    const parts = await Promise.all(partQuestions(asked, door).map(askGit));
    const [alone, others] = await Promise.all((namedQuestions(asked, door, repository) ?? []).map(askGit));
    return differences(ours, gits, { ...situation, parts, named: alone && others && { alone, others } });
  };
  const found = await compare().catch((error) => [String(error)]);
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
  { repository, variety, since, not }: Question,
  all: readonly TestRepository[],
): TestRepository {
  const suitable = all.filter(({ config, graph, visible, hidden, branches, onTime }) => {
    if (visible.size === 0) return variety === 'wants' && cell.filter === 'none' && cell.shallow !== 'not';
    if (cell.shallow === 'not' && ![...branches.values()].some((others) => others.length > 0)) return false;
    // With both limits git guesses where clocks ran wrong.
    if (since && not.length > 0 && !onTime) return false;
    // git takes a commit that a hidden ref points at for one that the client has; with these limits through tags, too.
    const passesTags = cell.shallow === 'since' || cell.shallow === 'not';
    const misleads = [...hidden.values()].some((oid) => {
      return graph.get(passesTags ? graph.peel(oid).at(-1)! : oid)?.type === 'commit';
    });
    if (cell.version !== 2 && cell.haves && misleads) return false;
    if (variety === 'repository' || cell.filter === 'none') return true;
    return config.includes(FILTERS_ALLOWED) && !config.some((line) => line.startsWith('uploadpackfilter.'));
  });
  return suitable[repository % suitable.length];
}
