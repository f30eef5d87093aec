/**
 * What is expected of Packhorse where it is not what git 2.39 does: the one place that says so. Each rule has its row,
 * under its name, in docs/differences.md, with the reason.
 */
import type { Answer, Outcome } from './answers.ts';
import type { Door } from './judge.ts';
import type { TestRepository } from './repositories.ts';
import type { Round } from './rounds.ts';

/** One conversation, as the client meant it. */
export interface Situation {
  readonly repository: TestRepository;
  readonly door: Door;
  /** The fetches, in the order of the answers that they get. */
  readonly rounds: readonly Round[];
  /** Whether the client's bytes end inside of a packet with which a request may begin. */
  readonly breaksOff: boolean;
  /** What git says where each part of a combined filter stands for the whole, as far as that was asked. */
  readonly parts: readonly Outcome[];
  /** What git says to who wants nothing but the trees that are named, and all but those, as far as that was asked. */
  readonly named: { readonly alone: Outcome; readonly others: Outcome } | undefined;
  /** Whether `deepen-relative` finds no history to deepen. */
  readonly deepensNothing: boolean;
}

/** What becomes of an outcome that git has. */
type Rule = (outcome: Outcome, situation: Situation) => Outcome;

type LinesRule = (
  lines: readonly string[],
  situation: Situation,
  round: Round | undefined,
) => readonly string[];

/** A rule for the lines of each answer, together with the fetch that got it. */
const eachAnswer =
  (change: LinesRule): Rule =>
  (outcome, situation) => {
    const rounds = roundsOf(outcome, situation);
    return {
      ...outcome,
      answers: outcome.answers.map((answer, i) => ({
        ...answer,
        lines: [...change(answer.lines, situation, rounds[i])],
      })),
    };
  };

/** The fetch that each answer is for; those to other requests have none. */
export function roundsOf({ answers }: Outcome, { rounds, door }: Situation): (Round | undefined)[] {
  const left = [...rounds];
  return answers.map(({ lines }, i) => {
    const isAdvertisement = door.advertise || (i === 0 && !door.stateless);
    const isRefList = door.version === 2 && /^(?:[0-9a-f]{40} |unborn HEAD|0000)/.test(lines[0]);
    return isAdvertisement || isRefList ? undefined : left.shift();
  });
}

const isShallow = (line: string) => /^(?:un)?shallow [0-9a-f]/.test(line);

/** Errors that git comes across once it has looked at the wants. */
const AFTER_WANTS =
  /no commits selected|cannot be used together|expected SHA1|hung up|aborting due to possible/;

export const RULES: Readonly<Record<string, Rule>> = {
  'another agent': eachAnswer((lines) => lines.map((line) => line.replace(/\bagent=\S+/, 'agent=*'))),

  'object-info is off': eachAnswer((lines) =>
    lines[0] === 'version 2' ? lines.filter((line) => line !== 'object-info') : lines,
  ),

  'capabilities without refs': eachAnswer((lines, { door, repository }, round) => {
    if (door.version === 2 || round || repository.visible.size > 0) return lines;
    const at = lines[0] === 'version 1' ? 1 : 0;
    return lines.toSpliced(
      at,
      lines.length - at,
      `${'0'.repeat(40)} capabilities^{}\0${capabilitiesOf(repository, door)}`,
      '0000',
    );
  }),

  'haves acknowledged once': eachAnswer((lines, { repository, door }, round) => {
    if (!round || !lines.some((line) => line.startsWith('ACK '))) return lines;
    const { graph, shallow } = repository;
    const isBare =
      door.version !== 2 && !round.flags.has('multi_ack') && !round.flags.has('multi_ack_detailed');
    if (door.version !== 2 && !isBare) return lines;
    // The client's history is cut before its haves come in the older versions, after that in version 2.
    const cuts = lines.filter(isShallow).map((line) => line.split(' ')[1]);
    const cut = new Set([...shallow, ...(isBare ? [...round.shallow, ...cuts] : [])]);
    const known = new Set<string>();
    let count = 0;
    const acknowledged = round.haves.filter((oid) => {
      const have = graph.get(oid);
      const isNew = have && !known.has(oid);
      for (const parent of cut.has(oid) ? [] : (have?.parents ?? [])) known.add(parent);
      if (have) known.add(oid);
      if (isNew) count++;
      return isBare ? have && count === 1 : isNew;
    });
    const first = lines.findIndex((line) => line.startsWith('ACK '));
    const others = lines.filter((line) => !line.startsWith('ACK '));
    return others.toSpliced(first, 0, ...acknowledged.map((oid) => `ACK ${oid}`));
  }),

  'shallow lines once': eachAnswer((lines) =>
    lines.filter((line, i) => !isShallow(line) || lines.indexOf(line) === i),
  ),

  'deepen-relative counts from the wants': eachAnswer((lines, { deepensNothing }, round) =>
    round && deepensNothing ? lines.filter((line) => !isShallow(line)) : lines,
  ),

  'no header before an error': (outcome) => {
    if (outcome.code === 0) return outcome;
    const last = outcome.answers.at(-1);
    if (last?.lines.at(-1) !== 'shallow-info') return outcome;
    return replaceLast(outcome, { ...last, lines: last.lines.slice(0, -1) });
  },

  'no NUL on band 3': (outcome) => ({
    ...outcome,
    answers: outcome.answers.map((answer) => ({
      ...answer,
      bandError: answer.bandError.replace('\0', '\n'),
    })),
  }),

  'corruption only where there is any': (outcome) => {
    const last = outcome.answers.at(-1);
    const [cause] = /(?<=^fatal: )unable to (?:access|parse) sparse .*$/m.exec(last?.progress ?? '') ?? [];
    return cause && last?.bandError ? replaceLast(outcome, { ...last, bandError: cause }) : outcome;
  },

  'not a ref': (outcome, { repository }) => {
    const name = /^git upload-pack: ambiguous deepen-not: deepen-not (.*)$/.exec(outcome.error)?.[1];
    if (name === undefined) return outcome;
    const refs = [...repository.visible.keys(), ...repository.hidden.keys()];
    const isRef = ['', 'refs/', 'refs/tags/', 'refs/heads/'].some((start) => refs.includes(start + name));
    if (isRef) return outcome;
    return { ...outcome, error: `git upload-pack: deepen-not is not a ref: deepen-not ${name}` };
  },

  'unreachable trees and blobs': (outcome, situation) => {
    const { door, rounds } = situation;
    const refused = door.version !== 2 && rounds[0]?.isWhole ? refusedWant(situation, rounds[0]) : undefined;
    // What is wrong with the lines comes first.
    if (refused === undefined || (outcome.code !== 0 && !AFTER_WANTS.test(outcome.error))) return outcome;
    const answers = door.stateless ? [] : outcome.answers.slice(0, 1);
    return { answers, code: 128, error: `git upload-pack: not our ref ${refused}`, diedPacking: false };
  },

  'a first packet cut short': (outcome, { breaksOff }) =>
    outcome.code === 0 && breaksOff
      ? { ...outcome, code: 128, error: 'the remote end hung up unexpectedly' }
      : outcome,

  'the cause is logged': (outcome) => {
    const [, cause] = /^fatal: (.*)$/m.exec(outcome.answers.at(-1)?.progress ?? '') ?? [];
    return outcome.diedPacking && cause ? { ...outcome, error: cause } : outcome;
  },

  'errors are told': (outcome, { door, rounds }) => {
    const { code, error, answers, diedPacking } = outcome;
    // A pack without bands can only break off.
    const isBare =
      door.version !== 2 && !rounds[0]?.flags.has('side-band') && !rounds[0]?.flags.has('side-band-64k');
    if (diedPacking && isBare) return outcome;
    const last = answers.at(-1);
    if (code === 0 || last?.bandError || last?.lines.at(-1)?.startsWith('ERR ')) return outcome;
    const line = `ERR ${error.replace('git upload-pack: not our ref', 'upload-pack: not our ref')}`;
    if (!last || isEnded(last, door, answers.length)) {
      return { ...outcome, answers: [...answers, { ...EMPTY, lines: [line] }] };
    }
    return replaceLast(outcome, { ...last, lines: [...last.lines, line] });
  },
};

const EMPTY: Answer = {
  lines: [],
  pack: undefined,
  progress: '',
  bandError: '',
  complete: false,
  largest: 0,
};

/** Whether the last answer is over; in the older versions it ends with the connection, but for the advertisement. */
function isEnded({ lines, complete }: Answer, { version, stateless }: Door, answers: number): boolean {
  return complete || (lines.at(-1) === '0000' && (version === 2 || (!stateless && answers === 1)));
}

function replaceLast(outcome: Outcome, last: Answer): Outcome {
  return { ...outcome, answers: [...outcome.answers.slice(0, -1), last] };
}

export function expectationOf(outcome: Outcome, situation: Situation): Outcome {
  return Object.values(RULES).reduce((changed, rule) => rule(changed, situation), outcome);
}

function capabilitiesOf({ config }: TestRepository, door: Door): string {
  const wants = wantPolicy(config);
  return [
    'multi_ack thin-pack side-band side-band-64k ofs-delta shallow deepen-since deepen-not deepen-relative',
    'no-progress include-tag multi_ack_detailed',
    ...(wants.tips ? ['allow-tip-sha1-in-want'] : []),
    ...(wants.reachable ? ['allow-reachable-sha1-in-want'] : []),
    ...(door.advertise ? ['no-done'] : []),
    ...(config.includes('uploadpack.allowFilter=true') ? ['filter'] : []),
    'object-format=sha1 agent=*',
  ].join(' ');
}

function wantPolicy(config: readonly string[]): Record<'tips' | 'reachable' | 'any', boolean> {
  const allows = (what: string) => config.includes(`uploadpack.allow${what}SHA1InWant=true`);
  const tips = (allows('Tip') || allows('Any')) && !config.includes('uploadpack.allowTipSHA1InWant=false');
  const reachable = allows('Reachable') || allows('Any');
  return { tips, reachable, any: allows('Any') && tips };
}

/** The first want that no ref points at, where one of those leads to a tree or a blob that nothing visible reaches. */
function refusedWant({ repository }: Situation, round: Round): string | undefined {
  const { graph, visible, hidden, shallow, config } = repository;
  const granted = new Set(visible.values());
  const { tips, reachable, any } = wantPolicy(config);
  if (any) return undefined;
  if (tips || reachable) for (const oid of hidden.values()) granted.add(oid);
  const others = round.wants.filter((oid) => !granted.has(oid));
  const reached = graph.closure(granted, shallow);
  const isLost = (oid: string) => graph.get(oid)?.type !== 'commit' && !reached.has(oid);
  return others.some((oid) => isLost(graph.peel(oid).at(-1)!)) ? others[0] : undefined;
}
