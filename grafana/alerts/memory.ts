/** Memory that runs out. */
import type { Alert, Recording } from './rule.ts';

const used: Recording = {
  record: 'instance:packhorse_memory_used:ratio',
  expr: 'packhorse_memory_bytes{kind="used"} / ignoring (kind) packhorse_memory_limit_bytes',
  says: 'memory that counts against the limit, of the limit that is nearest',
};

export const memoryRecordings: readonly Recording[] = [used];

/** Of the limit. The service itself warns at 0.85 and lowers its limits before. */
const NEAR = 0.9;

export const memoryNearLimit = {
  name: 'PackhorseMemoryNearLimit',
  severity: 'page',
  threshold: NEAR,
  expr: `${used.record} > ${NEAR}`,
  for: '5m',
  summary: '{{ $labels.instance }} has used {{ $value | humanizePercentage }} of its memory',
  runbook: {
    meaning:
      'The process has used more than 90 % of its memory (RSS, or the working set of its container) for five minutes. The service has lowered its limits already and collects garbage; if it still grows, the system kills the process, and all clones of this instance break off at once.',
    first:
      'If there are other instances, take this one out gently: SIGTERM lets its clones finish while new ones go elsewhere. Do not kill it: that is what you want to prevent.',
    look: [
      {
        for: 'What grows? `inflight`: clients (it has a limit). `heap` and `external`: the main thread. The rest of `rss`: workers.',
        panel: 'Resident memory and its limit',
        query: 'sum by (kind) (packhorse_memory_bytes)',
      },
      {
        for: 'How much do index files take? They count within `rss`.',
        panel: 'Index files held',
        query: 'packhorse_index_memory_bytes',
      },
      {
        for: 'How much are request bodies?',
        panel: 'Request bodies held',
        query: 'packhorse_request_memory_bytes',
      },
      {
        for: 'Which fetches ran when it came near? The warning lists them.',
        command: `grep 'memory is near its limit' packhorse.log | tail -n 3`,
      },
      {
        for: 'Has it grown for days (then something leaks), or since one moment (then a repository or a client)?',
        panel: 'Share of the memory limit',
      },
    ],
    causes: [
      {
        cause: 'the limit is small for what is configured',
        remedy:
          'Raise it, or lower `--index-memory`, `--inflight-memory`, `--request-memory`, `--workers` or `--clone-limit`: the first three may all be full at once, on top of what the process takes at rest.',
      },
      {
        cause: 'clones of a very large repository without bitmap at once',
        remedy:
          'Lower `--repository-limit`, and see [PackhorseBitmapsAbsent](#packhorsebitmapsabsent): walking needs memory that bitmaps do not.',
      },
      {
        cause: 'files in a tmpfs: they count as memory of the container',
        remedy: 'Put `/tmp` and `--cache-dir` on a disk.',
      },
      {
        cause: 'it grows for days, whatever the load',
        remedy:
          'A leak: restart the instances one after the other, keep the graphs and the log, and report it.',
      },
    ],
    urgency:
      'Now. It is over when it stays below 90 %; with a restart it is over at once, and will come again if the cause stays.',
  },
} as const satisfies Alert & { threshold: number };
