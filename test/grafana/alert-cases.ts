/** For each alert, series that make it fire, and series that come near and do not. */
import type { ALERTS } from '../../grafana/alerts/groups.ts';

export interface AlertCase {
  /** What is the case, in a few words. */
  readonly says: string;
  /** Series in the notation of `promtool test rules`, which counts from 0: `0+8x20` is 0, 8, … 160. */
  readonly series: Readonly<Record<string, string>>;
  /** Between two values of a series; a minute where it is left out. */
  readonly interval?: string;
  /** When it is looked at. */
  readonly at: string;
  /** What fires then, its labels beside the severity; left out where nothing does. */
  readonly fires?: { readonly labels: Readonly<Record<string, string>>; readonly summary: string };
}

const ONE = { job: 'packhorse', instance: 'a' };
const of = (name: string, labels: Readonly<Record<string, string>> = {}) =>
  `${name}{${Object.entries({ ...ONE, ...labels })
    .map(([label, value]) => `${label}="${value}"`)
    .join(',')}}`;

const requests = (outcome: string) => of('packhorse_fetch_requests_total', { outcome });
const waited = (lane: string, le: string) => of('packhorse_admission_wait_seconds_bucket', { lane, le });
const cached = (result: string) => of('packhorse_cache_requests_total', { result });
const bitmap = (use: string) => of('packhorse_pack_bitmap_total', { use });
const counting = of('packhorse_fetch_phase_seconds_sum', { phase: 'count' });
const threads = of('packhorse_worker_threads');
const used = of('packhorse_memory_bytes', { kind: 'used' });
const limit = of('packhorse_memory_limit_bytes');
const lost = of('packhorse_worker_restarts_total', { reason: 'crash' });
const breaker = of('packhorse_breaker_open');
const started = of('process_start_time_seconds');
const draining = of('packhorse_drain_seconds');
const drainLimit = of('packhorse_drain_limit_seconds');
const up = of('up');

export const ALERT_CASES: Readonly<Record<(typeof ALERTS)[number]['name'], readonly AlertCase[]>> = {
  PackhorseErrorRatioHigh: [
    {
      says: 'two of a hundred requests fail for an hour',
      series: { [requests('ok')]: '0+98x90', [requests('error')]: '0+2x90' },
      at: '70m',
      fires: { labels: { job: 'packhorse' }, summary: '2% of the requests fail' },
    },
    {
      says: 'one of a hundred fails',
      series: { [requests('ok')]: '0+99x90', [requests('error')]: '0+1x90' },
      at: '70m',
    },
    {
      says: 'it was a burst, and is over',
      series: { [requests('ok')]: '0+90x90', [requests('error')]: '0+10x60 600x30' },
      at: '70m',
    },
    {
      says: 'three of the few requests of a quiet night fail',
      series: { [requests('ok')]: '0+1x110', [requests('error')]: '0x100 1 1 2 2 3 3 3 3' },
      at: '106m',
    },
  ],
  PackhorseErrorRatioRaised: [
    {
      says: 'one of a hundred fails for six hours',
      series: { [requests('ok')]: '0+99x450', [requests('error')]: '0+1x450' },
      at: '7h',
      fires: { labels: { job: 'packhorse' }, summary: '1% of the requests have failed for hours' },
    },
    {
      says: 'one of two hundred fails',
      series: { [requests('ok')]: '0+199x450', [requests('error')]: '0+1x450' },
      at: '7h',
    },
  ],
  PackhorseRefusals: [
    {
      says: 'a tenth is turned away',
      series: { [requests('ok')]: '0+90x30', [requests('limited')]: '0+10x30' },
      at: '20m',
      fires: { labels: { job: 'packhorse' }, summary: '10% of the requests are turned away' },
    },
    {
      says: 'one of twenty-five is turned away',
      series: { [requests('ok')]: '0+96x30', [requests('limited')]: '0+4x30' },
      at: '20m',
    },
    {
      says: 'a tenth is, since a moment',
      series: { [requests('ok')]: '0+90x30', [requests('limited')]: '0x14 10+10x20' },
      at: '20m',
    },
  ],
  PackhorseQueueWait: [
    {
      says: 'half of the clones wait for longer than a minute',
      series: {
        [waited('clone', '60')]: '0+5x30',
        [waited('clone', '120')]: '0+10x30',
        [waited('clone', '+Inf')]: '0+10x30',
      },
      at: '20m',
      fires: {
        labels: { job: 'packhorse', lane: 'clone' },
        summary: 'one request of twenty waits longer than 1m 54s for a place in lane clone',
      },
    },
    {
      says: 'listings wait for some seconds',
      series: {
        [waited('light', '5')]: '0x30',
        [waited('light', '10')]: '0+10x30',
        [waited('light', '+Inf')]: '0+10x30',
      },
      at: '20m',
      fires: {
        labels: { job: 'packhorse', lane: 'light' },
        summary: 'one request of twenty waits longer than 9.75s for a place in lane light',
      },
    },
    {
      says: 'fetches wait as long as those listings',
      series: {
        [waited('fetch', '5')]: '0x30',
        [waited('fetch', '10')]: '0+10x30',
        [waited('fetch', '+Inf')]: '0+10x30',
      },
      at: '20m',
    },
  ],
  PackhorseCacheHitRatioHalved: [
    {
      says: 'it was 80 % yesterday and is 20 % today',
      series: { [cached('hit')]: '0+8x1440 11522+2x120', [cached('miss')]: '0+2x1440 2888+8x120' },
      at: '26h',
      fires: {
        labels: { job: 'packhorse' },
        summary: 'only 20% of the packs come from the cache, less than half of yesterday',
      },
    },
    {
      says: 'it was 80 % yesterday and is 50 % today',
      series: { [cached('hit')]: '0+8x1440 11525+5x120', [cached('miss')]: '0+2x1440 2885+5x120' },
      at: '26h',
    },
    {
      says: 'hardly anyone asks',
      series: { [cached('hit')]: '0+0.8x1440 1152.2+0.2x120', [cached('miss')]: '0+0.2x1440 288.8+0.8x120' },
      at: '26h',
    },
    {
      says: 'there was no yesterday',
      series: { [cached('hit')]: '0+2x120', [cached('miss')]: '0+8x120' },
      at: '2h',
    },
  ],
  PackhorseBitmapsAbsent: [
    {
      says: 'half have none, and an eighth of the time goes into counting',
      series: {
        [bitmap('absent')]: '0+5x120',
        [bitmap('used')]: '0+5x120',
        [counting]: '0+30x120',
        [threads]: '4x120',
      },
      at: '100m',
      fires: {
        labels: { job: 'packhorse' },
        summary: '50% of the packs are made without a bitmap, and counting objects takes the workers’ time',
      },
    },
    {
      says: 'all have none and are so small that it does not matter',
      series: {
        [bitmap('absent')]: '0+5x120',
        [bitmap('used')]: '0x120',
        [counting]: '0+3x120',
        [threads]: '4x120',
      },
      at: '100m',
    },
    {
      says: 'much time goes into counting, but for filters',
      series: {
        [bitmap('absent')]: '0+1x120',
        [bitmap('filter')]: '0+9x120',
        [counting]: '0+30x120',
        [threads]: '4x120',
      },
      at: '100m',
    },
  ],
  PackhorseMemoryNearLimit: [
    {
      says: 'it is at 95 %',
      series: { [used]: '950x20', [limit]: '1000x20' },
      at: '10m',
      fires: { labels: ONE, summary: 'a has used 95% of its memory' },
    },
    { says: 'it is at 88 %', series: { [used]: '880x20', [limit]: '1000x20' }, at: '10m' },
    {
      says: 'it is at 95 % for a moment',
      series: { [used]: '500x7 950x2 500x20', [limit]: '1000x30' },
      at: '10m',
    },
  ],
  PackhorseWorkerRestarts: [
    {
      says: 'five are lost in an hour',
      series: { [lost]: '0x20 1 2 3 4 5x60' },
      at: '70m',
      fires: { labels: { ...ONE, reason: 'crash' }, summary: 'a lost 5 workers in an hour by crash' },
    },
    { says: 'two are lost in an hour', series: { [lost]: '0x20 1 2x60' }, at: '70m' },
  ],
  PackhorseBreakerOpen: [
    {
      says: 'it is open but for short trials',
      interval: '15s',
      series: { [breaker]: '0x10 1 1 0 1 1 0 1 1 0 1 1 0 1 1 0 1 1' },
      at: '6m',
      fires: {
        labels: ONE,
        summary: 'a refuses new work, as its workers are lost one after the other',
      },
    },
    { says: 'it was open once', interval: '15s', series: { [breaker]: '0x10 1 0x20' }, at: '4m' },
  ],
  PackhorseProcessRestarts: [
    {
      says: 'it was started three times',
      series: { [started]: '100x5 200x5 300x5 400x20' },
      at: '25m',
      fires: { labels: ONE, summary: 'a was started 3 times in an hour' },
    },
    { says: 'it was started twice', series: { [started]: '100x5 200x5 300x30' }, at: '25m' },
  ],
  PackhorseDrainTooLong: [
    {
      says: 'nine of ten minutes are over',
      series: { [draining]: '0x5 60+60x9', [drainLimit]: '603x20' },
      at: '14m',
      fires: { labels: ONE, summary: 'a has been stopping for 9m 0s' },
    },
    {
      says: 'five of ten minutes are over',
      series: { [draining]: '0x5 60+60x9', [drainLimit]: '603x20' },
      at: '10m',
    },
  ],
  PackhorseTargetDown: [
    {
      says: 'one of two is not reached',
      series: { [up]: '1x5 0x10', 'up{job="packhorse",instance="b"}': '1x20' },
      at: '10m',
      fires: { labels: ONE, summary: 'Prometheus has not reached a for two minutes' },
    },
    { says: 'one scrape failed', series: { [up]: '1x5 0 1x10' }, at: '6m' },
    { says: 'something else is down', series: { 'up{job="other",instance="a"}': '0x20' }, at: '10m' },
  ],
  PackhorseNoTargets: [
    {
      says: 'there are others only',
      series: { 'up{job="other",instance="a"}': '1x20' },
      at: '10m',
      fires: { labels: { job: 'packhorse' }, summary: 'Prometheus knows of no instance of Packhorse' },
    },
    { says: 'there is one, although it is down', series: { [up]: '0x20' }, at: '10m' },
  ],
};
