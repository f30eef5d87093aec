/** A report for people. Names come from the disk, and are printed without control characters. */
import type {
  Clone,
  Failure,
  Fetch,
  Recommendation,
  RefSummary,
  Report,
  Storage,
} from '../explain/report.ts';
import { oneLine } from './flags.ts';
import { sizeOf } from './size-of.ts';

const INDENT = '  ';
const WIDTH = 14;

export function textOf(report: Report): string {
  const { directory, storage, refs, listing, advertisement, clone, failure, fetch, ignored } = report;
  const rows = [
    ['packs', packsText(storage)],
    ['bitmap', bitmapText(storage)],
    ['commit-graph', graphText(storage)],
    ['refs', refsText(refs)],
    ['listing', `${sizeOf(listing.bytes)} for a clone, ${sizeOf(advertisement.bytes)} with every ref`],
    ...ignored.map((why) => ['passed over', why]),
  ];
  const lines = [
    directory,
    ...rows.map(([name, text]) => row(name, text)),
    '',
    ...(failure ? failureLines(failure) : clone ? cloneLines(clone) : ['There is nothing to clone.']),
    ...(fetch ? fetchLines(fetch) : []),
    ...adviceLines(report),
  ];
  return lines.map((line) => `${withoutControls(line)}\n`).join('');
}

function packsText({ packs, loose, multiPackIndex }: Storage): string {
  const sum = (read: (pack: Storage['packs'][number]) => number) =>
    packs.reduce((total, pack) => total + read(pack), 0);
  const indexed = multiPackIndex ? `, ${count(multiPackIndex.packs)} in a multi-pack-index` : '';
  const bytes = sizeOf(sum((pack) => pack.bytes));
  return `${count(packs.length)} of ${bytes}, ${count(sum((pack) => pack.objects))} objects${indexed}; ${count(loose)} objects loose`;
}

function bitmapText({ bitmap: { state, objects } }: Storage): string {
  const states = {
    usable: `knows ${count(objects)} objects`,
    absent: 'none',
    unusable: 'damaged',
    off: 'not used, by configuration',
    shallow: 'not used, as the history is cut',
  };
  return states[state];
}

function graphText({ commitGraph: { state, commits, missing, hasGenerations } }: Storage): string {
  if (state === 'off') return 'not used';
  if (state === 'absent') return `none for ${count(missing)} commits`;
  const dates = hasGenerations ? '' : ', without corrected dates';
  return `${count(commits)} commits${dates}; ${count(missing)} are missing`;
}

function refsText({ total, branches, tags, others, hidden }: RefSummary): string {
  const rest = others.map(({ prefix, refs }) => `, ${count(refs)} in ${prefix}`).join('');
  return `${count(total)}: ${count(branches)} branches, ${count(tags)} tags${rest}, ${count(hidden)} hidden`;
}

function failureLines({ error, complete }: Failure): string[] {
  const hint = complete && [
    '',
    'This is a partial clone. What is missing comes with:',
    '',
    INDENT + commandLine(complete),
  ];
  return [`A clone fails: ${error}`, ...(hint ?? [])];
}

function cloneLines({ statistics, copied }: Clone): string[] {
  const { objects, bytes } = statistics;
  const anew = sizeOf(bytes.made + bytes.deflated);
  return [
    `A clone is ${sizeOf(bytes.total)}, ${count(objects.total)} objects.`,
    row('copied', `${(copied * 100).toFixed(1)} % of its bytes as they are stored; ${anew} are made anew`),
    ...workLines(statistics),
  ];
}

function fetchLines({ statistics, behind }: Fetch): string[] {
  const { objects, bytes } = statistics;
  const since = behind === 1 ? 'the last commit' : `the last ${count(behind)} commits`;
  return [
    '',
    `A fetch of ${since} of the default branch is ${sizeOf(bytes.total)}, ${count(objects.total)} objects.`,
    ...workLines(statistics),
  ];
}

function workLines({ phases, walked, opened }: Clone['statistics']): string[] {
  const seconds = (['negotiate', 'count', 'entries', 'bytes'] as const).map(
    (phase) => `${phase} ${phases[phase].toFixed(3)} s`,
  );
  return [
    row(
      'counting',
      `${count(walked)} objects found by walking, ${count(opened)} commits read from their objects`,
    ),
    row('time', seconds.join(', ')),
  ];
}

function row(name: string, text: string): string {
  return `${INDENT}${name.padEnd(WIDTH)}${text}`;
}

/** Each command once, with all that it is good for. */
function adviceLines({ recommendations, failure }: Report): string[] {
  if (recommendations.length === 0)
    return failure ? [] : ['', 'Nothing that git could do would make it much cheaper.'];
  const reasons = new Map<string, string[]>();
  for (const { why, ...advice } of recommendations) {
    const line = commandLine(advice);
    reasons.set(line, [...(reasons.get(line) ?? []), why]);
  }
  const indented = (why: string) => INDENT + INDENT + why;
  return [
    '',
    'What would make it cheaper:',
    ...[...reasons].flatMap(([line, whys]) => ['', INDENT + line, ...whys.map(indented)]),
  ];
}

function commandLine({ directory, command }: Pick<Recommendation, 'directory' | 'command'>): string {
  return ['git', '-C', directory, ...command].map(quoted).join(' ');
}

/** A word as a shell takes it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function withoutControls(line: string): string {
  const [indent] = /^ */.exec(line)!;
  return indent + oneLine(line);
}

function count(number: number): string {
  return number.toLocaleString('en-US');
}
