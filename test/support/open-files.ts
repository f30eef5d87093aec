/** What a process has open, and how many threads it has: nothing may be left behind by what failed. */
import fs from 'node:fs';
import { expect } from 'vitest';
import { metric } from './request-log.ts';
import type { RunningService } from './service.ts';

/** As `/proc` has them: sockets of the operators' port, which whoever asks for metrics keeps open. */
function operatorSockets({ process: { pid }, metricsUrl }: RunningService): string[] {
  const port = Number(new URL(metricsUrl).port).toString(16).toUpperCase().padStart(4, '0');
  const rows = fs.readFileSync(`/proc/${pid}/net/tcp`, 'latin1').split('\n');
  const fields = rows.map((row) => row.trim().split(/\s+/));
  return fields.filter(([, local]) => local?.endsWith(`:${port}`)).map((row) => `socket:[${row[9]}]`);
}

/**
 * Kinds of open files (`socket`, `anon_inode:[eventpoll]`, a path), each as often as it is open, and threads; packs of
 * the repositories below `root`, and segments of the entry store, are left out, as workers keep those open on purpose.
 */
function openIn(service: RunningService, root: string): Map<string, number> {
  const { pid } = service.process;
  const passedOver = operatorSockets(service);
  const counts = new Map([['threads', fs.readdirSync(`/proc/${pid}/task`).length]]);
  for (const fd of fs.readdirSync(`/proc/${pid}/fd`)) {
    const target = linkOf(`/proc/${pid}/fd/${fd}`);
    if (
      target === undefined ||
      passedOver.includes(target) ||
      (target.startsWith(root) && target.endsWith('.pack')) ||
      target.endsWith('.entries')
    )
      continue;
    const kind = target.replace(/:\[\d+\]$/, '');
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

/** One that was closed meanwhile leads nowhere. */
function linkOf(file: string): string | undefined {
  try {
    return fs.readlinkSync(file);
  } catch {
    return undefined;
  }
}

/** Looks before it gives up: each is a scrape, which waits for the service. */
const MOST_LOOKS = 2000;

/** Takes note of what is open; what is returned waits until there is no more of anything. */
export function watchOpenFiles(service: RunningService, root: string): () => Promise<void> {
  const scrape = () => metric(service, 'packhorse_draining');
  const before = openIn(service, root);
  const more = () => [...openIn(service, root)].filter(([kind, count]) => count > (before.get(kind) ?? 0));
  return async () => {
    for (let looks = 0; looks < MOST_LOOKS && more().length > 0; looks++) await scrape();
    expect(more()).toEqual([]);
  };
}
