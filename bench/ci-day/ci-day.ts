/** `ci-day`: what of a simulated day of CI the stream cache answers, by its rules and by others on the same requests. */
import type { Report } from '../bench.ts';
import { tableReport } from '../table.ts';
import { CI_DAY } from './parameters.ts';
import { type Amount, type Rules, simulate } from './simulate.ts';
import { ciDay, type TraceEvent } from './trace.ts';

/** The day that counts, and others, each with other repositories. */
const SEED = 'ci-day';
const OTHER_SEEDS = Array.from({ length: 10 }, (_, i) => String(i + 1));
/** Of the bytes served. */
const BUDGET = 0.1;
const TARGET = 0.85;

type RelativeRules = Omit<Rules, 'budget'> & { readonly budget?: number };

const MINUTE = 60_000;
const retentionOf = (time: number) => ({ retention: { clone: time, fetch: time, shallow: time } });
const LRU = retentionOf(Number.POSITIVE_INFINITY);
const RULES: Readonly<Record<string, RelativeRules>> = {
  "the cache's rules": { minUses: 2 },
  'LRU alone, with second sight': { minUses: 2, ...LRU },
  'without second sight': { minUses: 1 },
  'LRU alone': { minUses: 1, ...LRU },
  'clones kept for 5 minutes as well': { minUses: 2, ...retentionOf(5 * MINUTE) },
  'a thousandth as budget': { minUses: 2, budget: 0.001 },
  'a thousandth, LRU alone': { minUses: 1, budget: 0.001, ...LRU },
  'no bound, with second sight': { minUses: 2, budget: Number.POSITIVE_INFINITY, ...LRU },
  'no bound': { minUses: 1, budget: Number.POSITIVE_INFINITY, ...LRU },
};

export async function ciDayBench(): Promise<Report> {
  const day = measureDay(SEED);
  const others = OTHER_SEEDS.map(measureDay);
  const rows = Object.keys(RULES).map((name) => {
    const { hit, follow, written, peak } = outcomeOf(day, RULES[name]);
    const answered = add(hit, follow);
    const elsewhere = others.map((other) => {
      const outcome = outcomeOf(other, RULES[name]);
      return { answered: outcome.hit.bytes + outcome.follow.bytes, served: other.served };
    });
    const pooled = sum(elsewhere, ({ answered }) => answered) / sum(elsewhere, ({ served }) => served);
    const ratio = answered.bytes / day.served;
    return [
      name,
      hit.bytes / day.served,
      ratio,
      answered.requests / day.events.length,
      gigabytes(written.bytes),
      gigabytes(peak),
      pooled,
      Math.min(...elsewhere.map(({ answered, served }) => answered / served)),
      ratio >= TARGET,
    ];
  });
  const columns = [
    'rules',
    'hits',
    'with follows',
    'by requests',
    'written GB',
    'held GB',
    'other days',
    'worst',
  ];
  const { markdown, data } = tableReport([...columns, `>= ${TARGET}`], rows);
  const about = describe(day);
  return { markdown: `${about}\n\n${markdown}`, data: { about, rules: data } };
}

interface Day {
  readonly events: readonly TraceEvent[];
  readonly served: number;
}

function measureDay(seed: string): Day {
  const events = ciDay(CI_DAY, seed);
  return { events, served: sum(events, ({ bytes }) => bytes) };
}

function outcomeOf({ events, served }: Day, { budget = BUDGET, ...rules }: RelativeRules) {
  return simulate(events, { ...rules, budget: budget * served });
}

function describe({ events, served }: Day): string {
  const reads = new Map<string, number>();
  for (const { key } of events) reads.set(key, (reads.get(key) ?? 0) + 1);
  const once = [...reads.values()].filter((count) => count === 1).length;
  const share = Math.round((100 * once) / reads.size);
  return `${events.length} requests for ${Math.round(gigabytes(served))} GB; ${reads.size} distinct responses, ${share} % of them read once`;
}

function add(a: Amount, b: Amount): Amount {
  return { requests: a.requests + b.requests, bytes: a.bytes + b.bytes };
}

function sum<T>(list: readonly T[], of: (item: T) => number): number {
  return list.reduce((total, item) => total + of(item), 0);
}

function gigabytes(bytes: number): number {
  return bytes / 1e9;
}
