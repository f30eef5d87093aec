/** Requests made up by fast-check, for whichever repository they are sent to. */
import fc from 'fast-check';
import type { Cell, FilterKind } from './coverage.ts';

/**
 * An object by what it is: a branch or whatever else a visible or hidden ref points at, a commit that the wants reach,
 * a stored object of some type, or one that is not there. Where there are several, the `n`th, counted around.
 */
export interface Named {
  readonly kind:
    | 'branch'
    | 'visible'
    | 'hidden'
    | 'ancestor'
    | 'commit'
    | 'tag'
    | 'tree'
    | 'blob'
    | 'missing';
  readonly n: number;
}

export interface FilterChoice {
  readonly kind: Exclude<FilterKind, 'none'>;
  readonly n: number;
  /** Of `combine`. */
  readonly parts: readonly FilterChoice[];
}

/** What breaks a request: a line or raw bytes too many, or an end too early. */
export interface Fault {
  readonly kind: 'line' | 'packet' | 'cut';
  /** Which line, or which packet. */
  readonly n: number;
  /** Where, as a part of the whole. */
  readonly place: number;
}

/**
 * A question has one thing wrong with it at most: `sound` ones have none, others want what they may not have, go to a
 * repository that may not allow what they ask for, or are no proper request.
 */
export type Variety = 'sound' | 'wants' | 'repository' | 'fault';

export interface Question {
  readonly variety: Variety;
  /** Which of the repositories that suit, counted around. */
  readonly repository: number;
  readonly wants: readonly Named[];
  /** What the client has, in batches. */
  readonly haves: readonly (readonly Named[])[];
  /** How the client ends: done, or (where it asks on by another request) not, or before its haves. */
  readonly end: 'done' | 'flush' | 'nothing';
  readonly shallow: readonly Named[];
  readonly depth: number | undefined;
  /** The time of a commit that the wants reach, and a few seconds. */
  readonly since: { readonly n: number; readonly seconds: number } | undefined;
  /** Names of refs. */
  readonly not: readonly number[];
  readonly relative: boolean;
  readonly filter: FilterChoice | undefined;
  /** Words of the older versions; of two that say the same, the greater one counts. */
  readonly multiAck: string;
  readonly band: string;
  /** Flags that all versions know: `thin-pack` and so on. */
  readonly flags: readonly string[];
  readonly noDone: boolean;
  readonly waitForDone: boolean;
  /** Whether limits and filter come before the wants. */
  readonly limitsFirst: boolean;
  /** Whether refs are listed first, in a conversation of version 2. */
  readonly lists: boolean;
  readonly fault: Fault | undefined;
}

const FLAGS = ['thin-pack', 'ofs-delta', 'include-tag', 'no-progress'];

/** Lines that are wrong wherever they stand, or where most others stand. */
const BAD_LINES = [
  'want 1234',
  'want',
  `want ${'g'.repeat(40)}`,
  `want ${'7'.repeat(40)}`,
  `WANT ${'7'.repeat(40)}`,
  'have 1234',
  `have ${'7'.repeat(39)}`,
  `have ${'7'.repeat(40)}`,
  'shallow 1234',
  'deepen 0',
  'deepen -3',
  'deepen 1x',
  'deepen ',
  'deepen 0x2',
  'deepen  3',
  'deepen-since soon',
  'deepen-since 0',
  'deepen-since -1',
  'deepen-since 2147483648',
  'deepen-not no/such/ref',
  'deepen-not main',
  'deepen-not heads/main',
  'filter',
  'filter blob:none',
  'filter tree:0',
  'filter blob:limit=x',
  'filter blob:limit=',
  'filter blob:limit=-1',
  'filter tree:',
  'filter tree:x',
  'filter sparse:path=x',
  'filter sparse:oid=no/such:thing',
  'filter object:type=thing',
  'filter combine:',
  'filter combine:blob:none',
  'filter combine:tree:2+blob:none',
  'filter combine:tree:2+!',
  'filter combine:tree:2+unknown',
  'filter auto',
  'filter nonsense',
  'done',
  'wait-for-done',
  'thin-pack',
  'nonsense',
  'command=fetch',
  'object-format=sha256',
  'object-format=md5',
  'object-format',
  'agent=again/1.0',
  'peel',
  '',
  'ERR the client is gone',
];

/** Bytes that are no packet, and packets that have no place where they are put. */
const BAD_PACKETS = ['0000', '0001', '0003', '0004', '0005\n', 'fff8', 'ffff', 'nope', '000', '00 4', '000X'];

const named = (...kinds: Named['kind'][]): fc.Arbitrary<Named> =>
  fc.record({ kind: fc.constantFrom(...kinds), n: fc.nat(99) });

const FIRST_WANT = named('branch');
const WANT = named('branch', 'branch', 'visible');
const ANY_WANT = named('hidden', 'commit', 'ancestor', 'ancestor', 'tag', 'tree', 'blob', 'missing');
const HAVE = named('ancestor', 'ancestor', 'ancestor', 'branch', 'commit', 'tag', 'tree', 'blob', 'missing');
const CUT = named('ancestor', 'ancestor', 'ancestor', 'commit', 'missing');

const DEPTH = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 6 }) },
  { weight: 1, arbitrary: fc.constantFrom(100, 0x7fffffff) },
);
const SINCE = fc.record({ n: fc.nat(99), seconds: fc.integer({ min: -10, max: 1 }) });

const filterOf = (kind: FilterChoice['kind']): fc.Arbitrary<FilterChoice> =>
  fc.record({
    kind: fc.constant(kind),
    n: fc.nat(99),
    parts: kind === 'combine' ? fc.array(PART, { minLength: 1, maxLength: 3 }) : fc.constant([]),
  });

const PARTS = ['blob:none', 'blob:limit', 'tree', 'sparse:oid', 'object:type'] as const;
const PART: fc.Arbitrary<FilterChoice> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...PARTS).chain(filterOf) },
  { weight: 1, arbitrary: fc.constant('combine' as const).chain((kind) => filterOf(kind)) },
);

const FAULT: fc.Arbitrary<Fault> = fc.record({
  kind: fc.constantFrom('line', 'line', 'packet', 'cut'),
  n: fc.nat(999),
  place: fc.double({ min: 0, max: 1, noNaN: true }),
});

const OTHER_FAULT = FAULT.filter((fault) => !textOf(fault).startsWith('deepen'));

/** The line or the bytes of a fault. */
export function textOf({ kind, n }: Fault): string {
  if (kind === 'cut') return '';
  const texts = kind === 'line' ? BAD_LINES : BAD_PACKETS;
  return texts[n % texts.length];
}

export function arbitraryQuestion(cell: Cell, varieties: readonly Variety[]): fc.Arbitrary<Question> {
  return fc.constantFrom(...varieties).chain((variety) => questionOf(cell, variety));
}

function questionOf(
  { version, stateless, filter, shallow, haves }: Cell,
  variety: Variety,
): fc.Arbitrary<Question> {
  const many = <T>(arbitrary: fc.Arbitrary<T>, wanted: boolean, minLength: number, maxLength: number) =>
    fc.array(arbitrary, { minLength: wanted ? minLength : 0, maxLength: wanted ? maxLength : 0 });
  const namesCuts = shallow === 'lines' || shallow === 'relative';
  // Who does not say done on a connection of the older versions hangs up.
  const ends: Question['end'][] = ['done', 'done'];
  if (stateless || version === 2) ends.push('flush');
  if (stateless && version !== 2 && !haves) ends.push('nothing');
  return fc.record({
    variety: fc.constant(variety),
    repository: fc.nat(9999),
    wants: fc
      .tuple(FIRST_WANT, fc.array(WANT, { maxLength: 3 }), many(ANY_WANT, variety === 'wants', 1, 1))
      .map(([first, more, any]) => [first, ...more, ...any]),
    haves: many(fc.array(HAVE, { minLength: 1, maxLength: 4 }), haves, 1, 3),
    end: fc.constantFrom(...ends),
    shallow: many(CUT, shallow !== 'none', namesCuts ? 1 : 0, 3),
    depth: shallow === 'depth' || shallow === 'relative' ? DEPTH : fc.constant(undefined),
    since:
      shallow === 'since'
        ? SINCE
        : shallow === 'not'
          ? fc.option(SINCE, { nil: undefined })
          : fc.constant(undefined),
    not: many(fc.nat(99), shallow === 'not', 1, 2),
    relative: fc.constant(shallow === 'relative'),
    filter: filter === 'none' ? fc.constant(undefined) : filterOf(filter),
    multiAck: fc.constantFrom('', 'multi_ack', 'multi_ack_detailed', 'multi_ack multi_ack_detailed'),
    band: fc.constantFrom('', 'side-band', 'side-band-64k', 'side-band side-band-64k'),
    flags: fc.subarray(FLAGS),
    noDone: fc.boolean(),
    waitForDone: fc.constantFrom(false, false, true),
    limitsFirst: fc.boolean(),
    lists: fc.boolean(),
    // What counts from elsewhere is put to git in another way, which more such lines would upset.
    fault: variety !== 'fault' ? fc.constant(undefined) : shallow === 'relative' ? OTHER_FAULT : FAULT,
  });
}
