/** More to do than can be done: clients wait, or are turned away. */
import type { Alert, Recording } from './rule.ts';

const REQUESTS = 'packhorse_fetch_requests_total';

const limited: Recording = {
  record: 'job:packhorse_fetch_limited:ratio_rate5m',
  expr: `sum by (job) (rate(${REQUESTS}{outcome="limited"}[5m])) / sum by (job) (rate(${REQUESTS}[5m]))`,
  says: 'share of requests that were turned away, to come again',
};
const wait: Recording = {
  record: 'job_lane:packhorse_admission_wait_seconds:p95_rate5m',
  expr: 'histogram_quantile(0.95, sum by (job, lane, le) (rate(packhorse_admission_wait_seconds_bucket[5m])))',
  says: 'how long requests waited for a place, 95th percentile',
};

export const loadRecordings: readonly Recording[] = [
  limited,
  wait,
  {
    record: 'job_lane:packhorse_admission_load:ratio',
    expr: 'sum by (job, lane) (packhorse_admission_in_progress + packhorse_admission_queued) / sum by (job, lane) (packhorse_admission_limit)',
    says: 'requests that have or want a place, for each place: above 1 some wait. What to scale by',
  },
];

/** Share of requests. */
const REFUSED = 0.05;
/** Seconds. A listing answers someone who looks at a prompt; for a clone waiting is allowed. */
const WAITED = { light: 5, packs: 60 };

export const refusals = {
  name: 'PackhorseRefusals',
  severity: 'page',
  threshold: REFUSED,
  expr: `${limited.record} > ${REFUSED}`,
  for: '10m',
  summary: '{{ $value | humanizePercentage }} of the requests are turned away',
  runbook: {
    meaning:
      'One request of twenty or more has been told to come again for ten minutes: queues are full, or the longest wait was over, or workers are lost. Users see `the server is busy (…); try again in … s`; CI jobs that do not try again fail.',
    first:
      'If there are processors and memory to be had, add a replica: it takes its share of the repositories at once. What runs goes on meanwhile, and who waits keeps waiting.',
    look: [
      {
        for: 'Which lane, and why? `mark` and `queue_full`: too many at once. `queue_timeout`: places are held for long. Nothing here though requests are refused: instances drain, or refuse work as workers are lost.',
        panel: 'Turned away',
        query: 'sum by (lane, reason) (increase(packhorse_admission_rejected_total[10m]))',
      },
      {
        for: 'Were the limits lowered? `memory`, `cpu` or `loop` names what is short.',
        panel: 'Limits lowered',
        query: 'sum by (watcher) (increase(packhorse_admission_backoff_events_total[1h]))',
      },
      {
        for: 'Does the cache still answer? If its share fell, each pack is made anew.',
        panel: 'Share of packs that were not made anew',
      },
      {
        for: 'Is it one repository, or one client? The repositories that come most often; `client` in place of `repository` gives the addresses:',
        command: `grep '"outcome":"limited"' packhorse.log | grep -o '"repository":"[^"]*"' | sort | uniq -c | sort -rn | head`,
      },
    ],
    causes: [
      {
        cause: 'a storm of clones, such as a large CI run',
        remedy:
          'Wait it out, or add replicas. If it comes each day: larger `--clone-limit`, a cache that is shared (`--shared-cache-url`), or bundles (`--bundles on`).',
      },
      {
        cause:
          'a storm on one repository, where the balancer hashes by repository: one replica is full, the others are not',
        remedy:
          'More replicas do not help it. Give that one repository a bitmap and a warm cache, offer bundles (`--bundles on`), and let the balancer try the next replica on 503 or 429 (`--refuse-with 429`).',
      },
      {
        cause: 'one client or repository crowds out the others',
        remedy:
          'Set `--client-limit` (and `--trusted-proxies`, so that clients are told apart) or `--repository-limit`.',
      },
      {
        cause: 'clones got slow: bitmaps are gone or the cache is cold',
        remedy:
          'See [PackhorseBitmapsAbsent](#packhorsebitmapsabsent) and [PackhorseCacheHitRatioHalved](#packhorsecachehitratiohalved).',
      },
      {
        cause: 'limits were lowered as memory or processors are short',
        remedy:
          'See [PackhorseMemoryNearLimit](#packhorsememorynearlimit); give it more processors, or add replicas.',
      },
      {
        cause: 'a rollout that takes long, so that few instances are ready',
        remedy: 'See [PackhorseDrainTooLong](#packhorsedraintoolong).',
      },
    ],
    urgency:
      'Now, in working hours of the forge; at night a storm of CI is often over before you are awake. It is over when the share stays below 5 %.',
  },
} as const satisfies Alert & { threshold: number };

export const queueWait = {
  name: 'PackhorseQueueWait',
  severity: 'ticket',
  threshold: WAITED.packs,
  expr: `${wait.record}{lane="light"} > ${WAITED.light} or ${wait.record}{lane=~"clone|fetch"} > ${WAITED.packs}`,
  for: '10m',
  summary:
    'one request of twenty waits longer than {{ $value | humanizeDuration }} for a place in lane {{ $labels.lane }}',
  runbook: {
    meaning:
      'One clone or fetch of twenty waits for longer than a minute before its pack is begun, or one listing of twenty for longer than five seconds. Users see `remote: waiting, … ahead`. Nobody is turned away yet.',
    look: [
      {
        for: 'Which lane waits, and how many do?',
        panel: 'Waiting for a place',
        query: 'sum by (lane) (packhorse_admission_queued)',
      },
      { for: 'Are the places what they should be, or were limits lowered?', panel: 'Places held' },
      {
        for: 'What do those with a place spend their time on? `count`: bitmaps. `bytes`: deflating, see "Pack bytes by source". `wait`: clients, which hold no place.',
        panel: 'Time in each phase',
        query: 'sum by (phase) (rate(packhorse_fetch_phase_seconds_sum[10m]))',
      },
      { for: 'Are all workers busy?', panel: 'Worker threads' },
    ],
    causes: [
      {
        cause: 'all workers are busy, and processors too',
        remedy: 'Add replicas, or processors and `--workers`.',
      },
      {
        cause: 'workers are idle while clones wait',
        remedy:
          'The limits are too small: raise `--clone-limit` or `--fetch-limit`, or `--inflight-memory` if "Bytes in flight" is at its limit.',
      },
      {
        cause: 'fetches got slow: much `count`',
        remedy: 'See [PackhorseBitmapsAbsent](#packhorsebitmapsabsent).',
      },
      {
        cause: 'light waits: very many refs, or very many listings',
        remedy:
          'Raise `--light-limit`. Clients that poll by `git ls-remote` can be named in the log by `agent` and `client`.',
      },
    ],
    urgency: 'This working day, unless [PackhorseRefusals](#packhorserefusals) comes too: then now.',
  },
} as const satisfies Alert & { threshold: number };
