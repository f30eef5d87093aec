/** Instances that end, or are not there. */
import { type Alert, JOB } from './rule.ts';

/** Of the time that it may take. */
const LONG = 0.8;

export const drainTooLong = {
  name: 'PackhorseDrainTooLong',
  severity: 'ticket',
  // It has no `for`: the time is in the metric.
  threshold: LONG,
  expr: `packhorse_drain_seconds > ${LONG} * packhorse_drain_limit_seconds`,
  summary: '{{ $labels.instance }} has been stopping for {{ $value | humanizeDuration }}',
  runbook: {
    meaning:
      'An instance was told to stop, and after four fifths of the time that it may take (`--drain-delay` and `--drain-timeout`) it still has fetches in flight. When the time is over they are cut off: their users see `the server is shutting down`. A rollout waits for it.',
    look: [
      {
        for: 'How many are left? They are done, waiting ones too; nothing new is taken.',
        panel: 'Requests in progress',
        query: 'packhorse_fetches_in_progress',
      },
      {
        for: 'Do they wait for their clients? A slow client may take as long as it likes.',
        panel: 'Streams that are stalled',
        query: 'packhorse_streams_stalled',
      },
      { for: 'Since when?', command: `grep -E '"msg":"(stopping|draining)' packhorse.log | tail -n 3` },
    ],
    causes: [
      {
        cause: 'large clones over slow links',
        remedy:
          'Let them be. If it is so each time, raise `--drain-timeout`, and the grace period of whoever stops it (`stop_grace_period`, `terminationGracePeriodSeconds`) to more than `--drain-delay` and `--drain-timeout` together.',
      },
      { cause: 'clients that take nothing', remedy: 'Lower `--stall-timeout`: they are let go sooner.' },
      {
        cause: 'it has to be gone now',
        remedy: 'A second SIGTERM ends it at once; those who are left have to try again.',
      },
    ],
    urgency:
      'Only if a rollout stands still. It is over when the process has ended, which it does by itself.',
  },
} as const satisfies Alert & { threshold: number };

export const targetDown = {
  name: 'PackhorseTargetDown',
  severity: 'page',
  expr: `up{${JOB}} == 0`,
  for: '2m',
  summary: 'Prometheus has not reached {{ $labels.instance }} for two minutes',
  runbook: {
    meaning:
      'Prometheus cannot read the metrics of an instance. Most likely it does not run, and its share of requests goes to the others or fails; it may also be that only the way to its metrics port is cut.',
    first: 'See whether users are served: clone something. If they are, there is time.',
    look: [
      { for: 'How many of how many?', query: `sum(up{${JOB}})` },
      {
        for: 'Does it run, and is it ready? From its own host or pod:',
        command: 'curl -sS http://127.0.0.1:9417/readyz',
      },
      { for: 'What did it say last?', command: 'tail -n 5 packhorse.log' },
    ],
    causes: [
      {
        cause: 'it does not run',
        remedy: 'Start it. If it ends again: [PackhorseProcessRestarts](#packhorseprocessrestarts).',
      },
      {
        cause: 'it runs, and `/readyz` answers on its host',
        remedy: 'The network, or `--metrics-host`: it listens on loopback alone unless told otherwise.',
      },
      {
        cause: 'it runs, and nothing answers',
        remedy: 'Its main thread stands still: stop it with SIGTERM, then SIGKILL. Report it with its log.',
      },
      { cause: 'it was taken away on purpose', remedy: 'Take it from the configuration of Prometheus.' },
    ],
    urgency: 'Now, if it is the only one or users are not served; else in the morning.',
  },
} as const satisfies Alert;

export const noTargets = {
  name: 'PackhorseNoTargets',
  severity: 'page',
  expr: `absent(up{${JOB}})`,
  for: '5m',
  summary: 'Prometheus knows of no instance of Packhorse',
  runbook: {
    meaning:
      'Prometheus has no target with `job="packhorse"` at all: no instance is there, or none is found. None of the other alerts can fire now.',
    first: 'Clone something, to see whether users are served.',
    look: [
      {
        for: 'Which jobs does Prometheus have? None is called packhorse; maybe one that should be is called otherwise.',
        query: 'count by (job) (up)',
      },
      { for: 'Is any instance there?', command: 'curl -sS http://127.0.0.1:9417/readyz' },
    ],
    causes: [
      { cause: 'scaled down to nothing, or not deployed', remedy: 'Scale it up.' },
      {
        cause: 'its targets are not found, or have another `job`',
        remedy:
          'Compare `deploy/prometheus/prometheus.yml`, or the ServiceMonitor’s selector, with what runs; the job’s name has to be `packhorse`.',
      },
    ],
    urgency: 'Now: nobody watches.',
  },
} as const satisfies Alert;
