/** Workers and processes that are lost. */
import { type Alert, JOB } from './rule.ts';

/** In an hour; one is bad luck. */
const LOST = 3;

export const workerRestarts = {
  name: 'PackhorseWorkerRestarts',
  severity: 'ticket',
  threshold: LOST,
  expr: `sum by (job, instance, reason) (increase(packhorse_worker_restarts_total[1h])) > ${LOST}`,
  for: '1m',
  summary: '{{ $labels.instance }} lost {{ $value | humanize }} workers in an hour by {{ $labels.reason }}',
  runbook: {
    meaning:
      'More than three worker threads of an instance were lost and replaced within an hour. All fetches that a lost worker had break off with `a worker of the server …; try again`; others go on. Five losses within a minute make the instance refuse new work: [PackhorseBreakerOpen](#packhorsebreakeropen).',
    look: [
      {
        for: '`crash`: an exception that nothing caught. `memory`: the worker’s heap was full. `hang`: it gave no sign of life for `--hang-timeout`.',
        panel: 'Workers lost in the last hour',
        query: 'sum by (instance, reason) (increase(packhorse_worker_restarts_total[1h]))',
      },
      {
        for: 'Which repositories did they work on? One that is in each line is the cause.',
        command: `grep 'a worker was lost and is replaced' packhorse.log | tail -n 5`,
      },
    ],
    causes: [
      {
        cause: '`memory`, and always the same repository',
        remedy:
          'It is very large and has no bitmap: `git repack -adb` in it. Until then lower `--repository-limit`.',
      },
      {
        cause: '`hang`',
        remedy:
          'Storage that does not answer (NFS): look at the volume. If the storage is well, it is a defect: report it with the log.',
      },
      {
        cause: '`crash`',
        remedy:
          'A defect: the line in the log has its stack. Report it; if it began with a new version, go back.',
      },
    ],
    urgency: 'This working day. It is over an hour after the last loss.',
  },
} as const satisfies Alert & { threshold: number };

export const breakerOpen = {
  name: 'PackhorseBreakerOpen',
  severity: 'page',
  // It is open for ten seconds at a time, between trials: once is no reason to wake anyone.
  expr: 'avg_over_time(packhorse_breaker_open[2m]) > 0.25',
  for: '1m',
  summary: '{{ $labels.instance }} refuses new work, as its workers are lost one after the other',
  runbook: {
    meaning:
      'Five workers were lost within a minute, so the instance refuses new work, tries again after ten seconds, and found that they are lost still. Its readiness fails; users see `the server is not ready`, or are served by other instances.',
    first:
      'If it is every instance, one request brings them all down: find its repository (below) and move that directory aside, so that the others are served.',
    look: [
      { for: 'How many instances?', panel: 'Refusing work', query: 'sum(packhorse_breaker_open)' },
      {
        for: 'What are they lost by?',
        panel: 'Workers lost in the last hour',
        query: 'sum by (instance, reason) (increase(packhorse_worker_restarts_total[5m]))',
      },
      {
        for: 'Which repository is in each of these lines?',
        command: `grep 'a worker was lost and is replaced' packhorse.log | tail -n 10`,
      },
    ],
    causes: [
      {
        cause: 'one repository',
        remedy: 'Move it aside, then as in [PackhorseWorkerRestarts](#packhorseworkerrestarts).',
      },
      {
        cause: 'storage that hangs',
        remedy: 'Restore it. The instance goes on by itself, without a restart.',
      },
      {
        cause: 'a new version, or too little memory for the threads',
        remedy: 'Go back, or see [PackhorseMemoryNearLimit](#packhorsememorynearlimit).',
      },
    ],
    urgency: 'Now. It is over by itself a minute after workers live again.',
  },
} as const satisfies Alert;

export const processRestarts = {
  name: 'PackhorseProcessRestarts',
  severity: 'page',
  expr: `changes(process_start_time_seconds{${JOB}}[1h]) > 2`,
  for: '1m',
  summary: '{{ $labels.instance }} was started {{ $value }} times in an hour',
  runbook: {
    meaning:
      'The process of an instance was started anew more than twice within an hour. Each time all of its clones broke off, unless it was stopped gently.',
    look: [
      {
        for: 'When did it begin, and on which instances?',
        panel: 'Up for',
        query: `changes(process_start_time_seconds{${JOB}}[1h])`,
      },
      {
        for: 'Was memory at its limit before? Then the system killed it; `dmesg` or `kubectl describe pod` say `OOMKilled`.',
        panel: 'Share of the memory limit',
      },
      {
        for: 'What did it say last? A stack trace on stderr, or nothing at all: then it was killed.',
        command: 'tail -n 5 packhorse.log',
      },
    ],
    causes: [
      {
        cause: 'killed for want of memory',
        remedy: 'See [PackhorseMemoryNearLimit](#packhorsememorynearlimit).',
      },
      {
        cause: 'killed by its liveness probe',
        remedy:
          'The main thread stood still: panel "Event loop lag". Give it more processors; let the probe wait longer.',
      },
      {
        cause: 'it ends at once with exit code 2',
        remedy: 'A flag or environment variable makes no sense; one line on stderr says which.',
      },
      { cause: 'someone rolls out again and again', remedy: 'Wait until they are done.' },
    ],
    urgency:
      'Now, if users notice: [PackhorseErrorRatioHigh](#packhorseerrorratiohigh) does not see clones that a dead process took with it.',
  },
} as const satisfies Alert;
