/** `cancel`: milliseconds from a client's hang-up to the service's log line that says that its task has ended. */
import type { BenchOptions, Report } from './bench.ts';
import { type FetchOptions, GitClient } from './client.ts';
import { ensureCopies } from './compare/copies.ts';
import { median } from './measure.ts';
import { type Service, startService } from './service.ts';
import { openSource } from './source.ts';
import { tableReport } from './table.ts';

const TARGET = 50;
/** Milliseconds for which a client that stopped to read stays: long enough for its window to fill. */
const STALL = 200;

interface Situation {
  readonly name: string;
  /** How the client hangs up when `share`, 0 to 1, of the phase has gone by. */
  readonly leave: (share: number) => FetchOptions;
  /** Whether it hung up where it should have, by the bytes of the pack that it had. */
  readonly met: (packBytes: number) => boolean;
}

export async function cancel(options: BenchOptions): Promise<Report> {
  // With a bitmap nothing would be left to hang up on while objects are counted.
  const source = ensureCopies(await openSource(options), options.directory).plain;
  const service = await startService(source.root, { ...options, flags: ['--own-bitmaps', 'off'] });
  const client = new GitClient(`${service.url}/${source.name}`, source.format);
  try {
    const wants = [...new Set((await client.lsRefs()).map(({ oid }) => oid))];
    const fetch = (leave: FetchOptions) => client.fetch({ wants, haves: [] }, leave);
    const whole = await measureWhole(service, () => fetch({}));
    const rows = [];
    for (const { name, leave, met } of situations(whole)) {
      const milliseconds = [];
      for (let run = 0; run < options.runs; run++) {
        const logged = service.logged(({ outcome }) => outcome === 'client_aborted');
        const { hungUpAt, packBytes } = await fetch(leave((run + 0.5) / options.runs));
        if (hungUpAt === undefined || !met(packBytes)) throw new Error(`no hang-up in the phase: ${name}`);
        // Both are the machine's clock, in whole milliseconds.
        milliseconds.push((await logged).time - hungUpAt);
      }
      process.stderr.write(`${name}: ${milliseconds.join(' ')} ms\n`);
      const worst = Math.max(...milliseconds);
      rows.push([name, options.runs, median(milliseconds), worst, TARGET, worst <= TARGET]);
    }
    return tableReport(['client hangs up', 'times', 'median ms', 'worst ms', 'target ms', 'met'], rows);
  } finally {
    client.close();
    await service.stop();
  }
}

interface Whole {
  /** Seconds that the service counts for. */
  readonly count: number;
  readonly packBytes: number;
}

/** Clones after the first, which compiles code and loads indexes; the shortest of them, so that a hang-up comes in time. */
const MEASURED = 3;

async function measureWhole(service: Service, clone: () => Promise<{ packBytes: number }>): Promise<Whole> {
  const whole = { count: Infinity, packBytes: 0 };
  await clone();
  for (let n = 0; n < MEASURED; n++) {
    const logged = service.logged(({ outcome, command }) => outcome === 'ok' && command === 'fetch');
    whole.packBytes = (await clone()).packBytes;
    whole.count = Math.min(whole.count, (await logged).statistics.phases.count);
  }
  return whole;
}

function situations({ count, packBytes }: Whole): Situation[] {
  const at = (share: number, then: 'hangUp' | 'stall'): FetchOptions => {
    let done = false;
    return {
      onBytes(received, transfer) {
        if (done || received < share * packBytes) return;
        done = true;
        transfer[then]();
        if (then === 'stall') setTimeout(() => transfer.hangUp(), STALL);
      },
    };
  };
  return [
    {
      name: 'while objects are counted',
      leave: (share) => ({ hangUpAfter: share * 0.9 * count }),
      met: (received) => received === 0,
    },
    { name: 'while bytes are sent', leave: (share) => at(share, 'hangUp'), met: (received) => received > 0 },
    {
      name: 'while the task waits for it',
      // Near its end nothing would be left to wait with.
      leave: (share) => at(share * 0.9, 'stall'),
      met: (received) => received > 0,
    },
  ];
}
