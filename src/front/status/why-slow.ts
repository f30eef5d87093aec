/** Why a fetch was slow, in words: first what took it longest. */
import type { Phases, Statistics } from '../../upload-pack/statistics.ts';
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
  statistics,
  error,
}: Pick<FetchRecord, 'seconds' | 'statistics' | 'error'>): string[] {
  const failure = error ? [`failed: ${error.code}`] : [];
  if (!statistics) return failure;
  const { phases } = statistics;
  const reasons = [
    { took: phases.queue, why: [`throttled: waited ${phases.queue.toFixed(1)} s for its turn`] },
    { took: phases.wait, why: [`slow client: waited ${phases.wait.toFixed(1)} s for it`] },
    { took: phases.count, why: whyCounted(statistics) },
    { took: phases.entries + phases.bytes, why: whyMade(statistics) },
    { took: phases.negotiate, why: whyNegotiated(statistics) },
  ];
  const notable = reasons.filter(({ took }) => took > 0 && took >= seconds * NOTABLE);
  const words = notable.sort((a, b) => b.took - a.took).flatMap(({ why }) => why);
  const known = [...whyCold(statistics, seconds), ...words, ...failure];
  return known.length > 0 ? known : [`mostly ${longest(phases, seconds)}`];
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
function longest(phases: Phases, seconds: number): string {
  const all = Object.entries(phases);
  const known = all.reduce((sum, [, took]) => sum + took, 0);
  const sending: [string, number] = ['sending', seconds - known];
  return all.reduce((most, phase) => (phase[1] > most[1] ? phase : most), sending)[0];
}
