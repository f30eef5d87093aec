/** Requests that fail through the service. */
import type { Alert, Recording } from './rule.ts';

const REQUESTS = 'packhorse_fetch_requests_total';
/**
 * Of the requests of a month one in a thousand may fail. These shares use that up in two days, and in five: 14.4 and 6
 * times as fast as it should be.
 */
const FAST = 0.0144;
const SLOW = 0.006;

const ratio = (window: string): Recording => ({
  record: `job:packhorse_fetch_errors:ratio_rate${window}`,
  expr: `sum by (job) (rate(${REQUESTS}{outcome="error"}[${window}])) / sum by (job) (rate(${REQUESTS}[${window}]))`,
  says: `share of requests that failed through the service, over ${window}`,
});
const [over5m, over30m, over1h, over6h] = ['5m', '30m', '1h', '6h'].map(ratio);

export const failureRecordings: readonly Recording[] = [
  {
    record: 'job:packhorse_fetch_requests:rate5m',
    expr: `sum by (job) (rate(${REQUESTS}[5m]))`,
    says: 'requests in a second',
  },
  over5m,
  over30m,
  over1h,
  over6h,
];

/** A single failure on a quiet night is a large share, and no reason to wake someone. */
const errors = (window: string, least: number) =>
  `sum by (job) (increase(${REQUESTS}{outcome="error"}[${window}])) >= ${least}`;

export const errorRatioHigh = {
  name: 'PackhorseErrorRatioHigh',
  severity: 'page',
  threshold: FAST,
  expr: `${over5m.record} > ${FAST} and ${over1h.record} > ${FAST} and ${errors('1h', 5)}`,
  for: '2m',
  summary: '{{ $value | humanizePercentage }} of the requests fail',
  runbook: {
    meaning:
      'More than 1.44 % of the requests failed through the service, both in the last five minutes and in the last hour. At this pace a month’s budget of errors (one request of a thousand) is gone in two days. Clones and fetches break off with an error; CI jobs fail.',
    first:
      'If it began with a deployment, go back. If it is one instance of several, stop that one (SIGTERM): the others take over.',
    look: [
      {
        for: 'Is it one instance or all of them? One: its disk, its memory or its version. All: the storage, or a repository.',
        query: `sum by (instance, door, command) (increase(${REQUESTS}{outcome="error"}[15m]))`,
      },
      {
        for: 'What failed, in the log: `error.code` and `error.message` say what, `repository` where.',
        command: `grep '"outcome":"error"' packhorse.log | tail -n 20`,
      },
      {
        for: 'Were workers lost? Then see [PackhorseWorkerRestarts](#packhorseworkerrestarts).',
        panel: 'Workers lost in the last hour',
      },
    ],
    causes: [
      {
        cause: '`PACKHORSE_IO` (`EIO`, `ENOSPC`, `EMFILE`, `ESTALE`): the storage or a limit of the process',
        remedy:
          'Look at the volume that holds the repositories (mounted? full? network?). `EMFILE`: raise the limit of open files. One instance alone: take it out, it drains by itself on SIGTERM.',
      },
      {
        cause: '`PACKHORSE_REPOSITORY_CORRUPT` or `PACKHORSE_OBJECT_MISSING`, always the same repository',
        remedy:
          'Run `git fsck` in that repository, and restore it from a backup or a replica. The other repositories are not touched by it.',
      },
      {
        cause: '`PACKHORSE_AUTHORIZATION_UNAVAILABLE`: the forge, its key set, or the file of tokens or keys',
        remedy:
          'The message of the log line says which. Is the forge up, and the file readable and whole? Until then no one is let in; clones come back by themselves.',
      },
      {
        cause: '`PACKHORSE_WORKER_LOST`',
        remedy: 'See [PackhorseWorkerRestarts](#packhorseworkerrestarts).',
      },
      {
        cause: '`PACKHORSE_INTERNAL`, or it began with a new version (panel "Versions")',
        remedy:
          'Go back to the version before. Keep the log lines with their stacks: they are a defect to report.',
      },
    ],
    urgency: 'Now. It is over when the share stays below the red line for five minutes.',
  },
} as const satisfies Alert & { threshold: number };

export const errorRatioRaised = {
  name: 'PackhorseErrorRatioRaised',
  severity: 'ticket',
  expr: `${over30m.record} > ${SLOW} and ${over6h.record} > ${SLOW} and ${errors('6h', 10)}`,
  for: '15m',
  summary: '{{ $value | humanizePercentage }} of the requests have failed for hours',
  runbook: {
    meaning:
      'More than 0.6 % of the requests failed through the service, both in the last half hour and in the last six hours. Most users do not notice; it is often one repository that is damaged, and asked for again and again.',
    look: [
      {
        for: 'How did it go since yesterday? A step: a deployment, a disk. A slope: something fills up.',
        panel: 'Share of errors',
      },
      {
        for: 'Which errors, and which repositories? `sort` shows what comes most often.',
        command: `grep '"outcome":"error"' packhorse.log | grep -o '"repository":"[^"]*"' | sort | uniq -c | sort -rn | head`,
      },
    ],
    causes: [
      {
        cause: 'one repository that is damaged',
        remedy: 'Run `git fsck` in it, and restore it from a backup or a replica.',
      },
      { cause: 'anything else', remedy: 'As in [PackhorseErrorRatioHigh](#packhorseerrorratiohigh).' },
    ],
    urgency: 'This working day. It is over when the share stays below 0.6 % for half an hour.',
  },
} as const satisfies Alert;
