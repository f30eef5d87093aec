/** What makes fetches cheap, and is not there. */
import type { Alert, Recording } from './rule.ts';

const REQUESTS = 'packhorse_cache_requests_total';
const BITMAPS = 'packhorse_pack_bitmap_total';

const hits: Recording = {
  record: 'job:packhorse_cache_hits:ratio_rate1h',
  expr: `sum by (job) (rate(${REQUESTS}{result=~"hit|follow"}[1h])) / sum by (job) (rate(${REQUESTS}[1h]))`,
  says: 'share of packs that were not made anew',
};
const absent: Recording = {
  record: 'job:packhorse_pack_bitmap_absent:ratio_rate1h',
  expr: `sum by (job) (rate(${BITMAPS}{use=~"absent|unusable"}[1h])) / sum by (job) (rate(${BITMAPS}[1h]))`,
  says: 'share of packs whose repository has no bitmap that can be used',
};
const counting: Recording = {
  record: 'job:packhorse_fetch_count_phase:ratio_rate1h',
  expr: 'sum by (job) (rate(packhorse_fetch_phase_seconds_sum{phase="count"}[1h])) / sum by (job) (packhorse_worker_threads)',
  says: 'share of the workers’ time that goes into finding which objects to send',
};

export const cacheRecordings: readonly Recording[] = [hits, absent, counting];

export const cacheHitRatioHalved = {
  name: 'PackhorseCacheHitRatioHalved',
  severity: 'ticket',
  // What was small, or is asked for rarely, halves by chance.
  expr: [
    `${hits.record} < 0.5 * (${hits.record} offset 1d > 0.1)`,
    `sum by (job) (increase(${REQUESTS}[1h])) > 100`,
  ].join(' and '),
  for: '30m',
  summary:
    'only {{ $value | humanizePercentage }} of the packs come from the cache, less than half of yesterday',
  runbook: {
    meaning:
      'Less than half as many packs come from the cache as at this time yesterday. Each is made anew, so the same traffic costs more processors; users notice only when places run out.',
    look: [
      {
        for: 'Is the cache in use at all? 0: it was switched off, its disk fails, or another process has its directory; the log says which.',
        panel: 'Caches in use',
        query: 'packhorse_cache_up',
      },
      {
        for: 'What takes the place of hits? `bypass`: packs cannot be named or kept. `miss`: others are asked for, or what was kept has left.',
        panel: 'Requests for packs',
        query: `sum by (result) (increase(${REQUESTS}[1h]))`,
      },
      {
        for: 'Does much leave for want of room (`budget`), or is it `damaged`?',
        panel: 'Bytes that left the cache',
        query: 'sum by (reason) (increase(packhorse_cache_evicted_bytes_total[1h]))',
      },
      { for: 'Is it the same on all instances?', panel: 'Share of packs that were not made anew' },
    ],
    causes: [
      {
        cause: 'instances were restarted with empty directories, or replicas were added',
        remedy:
          'Nothing: it fills within the hour. To keep it, put `--cache-dir` on a volume of each replica, or share (`--shared-cache-url`).',
      },
      {
        cause: 'the balancer does not send a repository to the same instance any more',
        remedy: 'Restore hashing by repository in front of the replicas; see `deploy/`.',
      },
      { cause: 'much leaves for want of room', remedy: 'Raise `--cache-size`.' },
      {
        cause: 'the disk of the cache is full or fails (`packhorse_cache_up` is 0 now and then)',
        remedy:
          'Free it or replace it. The directory may be deleted at any time; a damaged one mends itself.',
      },
      {
        cause: 'the traffic has changed: many small fetches, a new CI',
        remedy:
          'Nothing, if queues stay short. This alert compares with yesterday, and falls silent by tomorrow.',
      },
    ],
    urgency: 'This working day. It is over when the share recovers, or a day later at the latest.',
  },
} as const satisfies Alert;

export const bitmapsAbsent = {
  name: 'PackhorseBitmapsAbsent',
  severity: 'ticket',
  // Small repositories need no bitmap: it matters where walking takes the workers' time.
  expr: `${absent.record} > 0.2 and ${counting.record} > 0.1`,
  for: '30m',
  summary:
    '{{ $value | humanizePercentage }} of the packs are made without a bitmap, and counting objects takes the workers’ time',
  runbook: {
    meaning:
      'More than a fifth of the packs come from repositories without a bitmap that can be used, and more than a tenth of the workers’ time goes into walking histories instead. Clones begin late and hold places for long.',
    look: [
      {
        for: '`absent`: there is none. `unusable`: it is damaged or stale. Other reasons do not count for this alert.',
        panel: 'Packs by use of bitmaps',
        query: `sum by (use) (increase(${BITMAPS}[1h]))`,
      },
      {
        for: 'Were files passed over? The log names each of them once, with the reason.',
        panel: 'Index files ignored',
        query: 'sum by (kind) (increase(packhorse_index_ignored_total[1h]))',
      },
      {
        for: 'Which repositories? Those that come most often; `packhorse explain PATH` then says what each of them lacks:',
        command: `grep -E '"bitmap":"(absent|unusable)"' packhorse.log | grep -o '"repository":"[^"]*"' | sort | uniq -c | sort -rn | head`,
      },
    ],
    causes: [
      {
        cause: 'maintenance does not write bitmaps, or has stopped',
        remedy:
          'In each of those repositories: `git repack -adb`; with a multi-pack-index `git multi-pack-index write --bitmap`. Then see why maintenance did not.',
      },
      {
        cause: 'own bitmaps are off, or cannot be written',
        remedy: 'Start with `--own-bitmaps on` and a `--cache-dir` that is writable and survives restarts.',
      },
      {
        cause: 'the repository borrows objects from others by alternates',
        remedy:
          'Bitmaps speak of one pack and what it reaches: give the repository that is borrowed from one, and repack the borrower with `git repack -adb` if it is cloned often.',
      },
    ],
    urgency:
      'This working day, unless clients wait ([PackhorseQueueWait](#packhorsequeuewait)). It is over within an hour of the repack.',
  },
} as const satisfies Alert;
