/** Why a fetch was slow, in words: first what took it longest. */
import type { Statistics } from '../../upload-pack/statistics.ts';
import type { FetchRecord } from '../events.ts';

/** Share of a fetch's time from which on something is a reason. */
const NOTABLE = 0.2;
/** Objects that are found by walking beside a bitmap that is up to date. */
const FEW_WALKED = 1000;
const MANY_REFS = 10_000;

const WITHOUT_BITMAP: Readonly<Record<Exclude<NonNullable<Statistics['bitmap']>, 'used'>, string>> = {
  absent: 'no bitmap',
  unusable: 'bitmap is damaged',
  off: 'bitmaps are off',
  shallow: 'no bitmap for shallow history',
  filter: 'no bitmap for such a filter',
  outside: 'bitmap lacks what the client has',
  incomplete: 'objects are missing',
};

export function whySlow({
  seconds,
  authorized = 0,
  statistics,
  error,
}: Pick<FetchRecord, 'seconds' | 'authorized' | 'statistics' | 'error'>): string[] {
  const failure = error ? [`failed: ${error.code}`] : [];
  const authorization = { took: authorized, why: [`authorization took ${authorized.toFixed(1)} s`] };
  if (!statistics) return [...inWords([authorization], seconds), ...failure];
  const { phases } = statistics;
  const reasons = [
    authorization,
    { took: phases.queue, why: [`throttled: waited ${phases.queue.toFixed(1)} s for its turn`] },
    { took: phases.wait, why: [`slow client: waited ${phases.wait.toFixed(1)} s for it`] },
    { took: phases.count, why: whyCounted(statistics) },
    { took: phases.entries + phases.bytes, why: whyMade(statistics) },
    { took: phases.negotiate, why: whyNegotiated(statistics) },
  ];
  const known = [...whyCold(statistics, seconds), ...inWords(reasons, seconds), ...failure];
  return known.length > 0 ? known : [`mostly ${longest({ ...phases, authorize: authorized }, seconds)}`];
}

interface Reason {
  readonly took: number;
  readonly why: readonly string[];
}

/** Those that took a part of the time, the longest first. */
function inWords(reasons: readonly Reason[], seconds: number): string[] {
  const notable = reasons.filter(({ took }) => took > 0 && took >= seconds * NOTABLE);
  return notable.sort((a, b) => b.took - a.took).flatMap(({ why }) => why);
}

/** The pack had to be made, and that took a part of the time. */
function whyCold({ cache, phases }: Statistics, seconds: number): string[] {
  const made = phases.count + phases.entries + phases.bytes;
  if (made < seconds * NOTABLE) return [];
  if (cache === 'miss') return ['cold cache'];
  return cache === 'bypass' ? ['past the cache'] : [];
}

function whyCounted({ bitmap, walked }: Statistics): string[] {
  if (bitmap === undefined) return [];
  if (bitmap !== 'used') return [WITHOUT_BITMAP[bitmap]];
  return walked > FEW_WALKED ? [`bitmap out of date: ${walked} objects walked`] : [];
}

function whyMade({ bytes }: Statistics): string[] {
  const anew = bytes.made + bytes.deflated;
  return anew > bytes.total / 2 ? ['most of it was deflated anew'] : [];
}

function whyNegotiated({ refs }: Statistics): string[] {
  return refs >= MANY_REFS ? [`${refs} refs`] : [];
}

/** The phase that took longest; what is in none went by while bytes that were there were sent. */
function longest(phases: Readonly<Record<string, number>>, seconds: number): string {
  const all = Object.entries(phases);
  const known = all.reduce((sum, [, took]) => sum + took, 0);
  const sending: [string, number] = ['sending', seconds - known];
  return all.reduce((most, phase) => (phase[1] > most[1] ? phase : most), sending)[0];
}
