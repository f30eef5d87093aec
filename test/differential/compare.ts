/** One case: what differs between what is expected and what Packhorse does. */
import type { Answer, Outcome } from './answers.ts';
import { expectationOf, roundsOf, type Situation } from './expectations.ts';
import { expectedObjects } from './expected-objects.ts';
import { boundsOf, readObjects } from './objects.ts';
import type { TestRepository } from './repositories.ts';
import type { Round } from './rounds.ts';

/** @returns what differs, a line each */
export function differences(ours: Outcome, gits: Outcome, situation: Situation): string[] {
  const expected = expectationOf(gits, situation);
  const found: string[] = [];
  const differ = (what: string, our: unknown, their: unknown) => {
    const [a, b] = [our, their].map((value) => JSON.stringify(value));
    if (a !== b) found.push(`${what}: ${a} instead of ${b}`);
  };
  differ('exit code', ours.code, expected.code);
  differ('error', ours.error, expected.error);
  differ('answers', ours.answers.length, expected.answers.length);
  const rounds = roundsOf(expected, situation);
  expected.answers.forEach((their, i) => {
    const our = ours.answers[i];
    if (!our) return;
    differ(`lines of answer ${i}`, comparable(our.lines), comparable(their.lines));
    differ(`band 3 of answer ${i}`, our.bandError, their.bandError);
    differ(`end of answer ${i}`, our.complete, their.complete);
    differ(`pack of answer ${i}`, our.pack !== undefined, their.pack !== undefined);
    const round = rounds[i];
    if (!our.pack || !their.pack || !round) return;
    found.push(
      ...framingFaults(our, round, situation),
      ...packFaults(our, their, round, {
        ...situation,
        parts: situation.parts.map(({ answers }) => answers[i]),
        named: [situation.named?.alone.answers[0], situation.named?.others.answers[i]],
      }),
    );
  });
  return found;
}

/** Shallow lines have no order but that shallow comes before unshallow; agents say who they are. */
function comparable(lines: readonly string[]): string[] {
  const result = lines.map((line) => line.replace(/\bagent=\S+/, 'agent=*'));
  for (let start = 0; start < result.length; start++) {
    const word = /^(?:un)?shallow /.exec(result[start])?.[0];
    if (!word) continue;
    let end = start;
    while (result[end]?.startsWith(word)) end++;
    result.splice(start, end - start, ...result.slice(start, end).sort());
    start = end - 1;
  }
  return result;
}

/** No frame is larger than may be, nor all of them smaller than need be. */
function framingFaults({ largest, pack }: Answer, { flags }: Round, { door }: Situation): string[] {
  const isLarge = door.version === 2 || flags.has('side-band-64k');
  const most = isLarge ? 65520 : flags.has('side-band') ? 1000 : 0;
  const least = Math.min(most, pack!.length + 5);
  return largest > most || largest < least ? [`frames of up to ${largest} bytes`] : [];
}

/** What git said to other questions. */
interface Others {
  readonly repository: TestRepository;
  readonly parts: readonly (Answer | undefined)[];
  readonly named: readonly (Answer | undefined)[];
}

/** Objects are compared as sets: exact but for what the client has already, which git may send again, and we may. */
function packFaults(
  our: Answer,
  their: Answer,
  round: Round,
  { repository, parts, named }: Others,
): string[] {
  const { graph } = repository;
  const bounds = boundsOf(repository, round, their);
  const ours = readObjects(our.pack!, graph);
  const gits = readObjects(their.pack!, graph);
  const objectsOf = (answer: Answer | undefined) =>
    answer?.pack ? readObjects(answer.pack, graph).oids : new Set<string>();
  const { needed, allowed } = expectedObjects(gits.oids, ours.oids, {
    ...bounds,
    repository,
    round,
    parts: parts.map(objectsOf),
    named: new Set(named.flatMap((answer) => [...objectsOf(answer)])),
  });
  const name = (oid: string) => `${graph.get(oid)?.type} ${oid}`;
  const faults = [
    ...[...needed].filter((oid) => !ours.oids.has(oid)).map((oid) => `not sent: ${name(oid)}`),
    ...[...ours.oids].filter((oid) => !allowed.has(oid)).map((oid) => `sent too much: ${name(oid)}`),
  ];
  // Who filters may lack what it would have otherwise.
  const mayBeThin = round.flags.has('thin-pack') && round.filter === undefined;
  for (const base of ours.bases) {
    if (ours.oids.has(base)) faults.push(`a delta before its base: ${name(base)}`);
    else if (!mayBeThin || !bounds.had.has(base)) faults.push(`based on ${name(base)}`);
  }
  if (ours.offsetDeltas && !round.flags.has('ofs-delta')) faults.push('an offset delta');
  return faults;
}
