/** `npm run bench -- [name...]`: runs benches one after the other and prints what they measured. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Bench } from './bench.ts';
import { cache } from './cache/cache.ts';
import { cancel } from './cancel.ts';
import { ciDayBench } from './ci-day/ci-day.ts';
import { compare } from './compare/compare.ts';
import { GROWTH_COMMITS, growth } from './growth/growth.ts';
import { COMMITS } from './history.ts';
import { describeMachine, machineLines } from './machine.ts';
import { memory } from './memory.ts';
import { pressure } from './pressure.ts';
import { stalled } from './stalled.ts';
import { stdio } from './stdio.ts';

/** `long`: not without its name. */
const BENCHES: Readonly<Record<string, { bench: Bench; help: string; long?: boolean }>> = {
  memory: {
    bench: memory,
    help: "growth of the service's memory during a clone, for a fast and a slow client",
  },
  compare: { bench: compare, help: 'clones, fetches and ref listings, against git upload-pack' },
  cache: {
    bench: cache,
    help: 'a clone again, eight at once, and depth-1 clones of successive commits, with what is kept',
  },
  stalled: { bench: stalled, help: 'memory, and the time of a fast clone, while many clients read slowly' },
  cancel: { bench: cancel, help: "from a client's hang-up to the end of its task" },
  stdio: {
    bench: stdio,
    help: 'from the start of `packhorse upload-pack` to the first byte of its advertisement',
  },
  'ci-day': {
    bench: ciDayBench,
    help: 'what of a simulated day of CI the stream cache answers; only simulated, and the same on every machine',
  },
  pressure: {
    bench: pressure,
    help: '64 clones at once by git in 512 MiB: how the limit falls and recovers',
    long: true,
  },
  growth: {
    bench: growth,
    help: 'clones and a small fetch of 100 thousand, 1 million and 4 million objects, with plots',
    long: true,
  },
};

const PLOTS = path.resolve(import.meta.dirname, '../docs/growth');
const NAMES = Object.entries(BENCHES).map(([name, { help }]) => `  ${name.padEnd(8)} ${help}`);

/** What of the service's caches is on. */
const SERVICE = `service: 2 workers, a fresh cache directory, nothing that keeps responses or entries; in compare and growth
--own-bitmaps off, but for "own bitmap"`;

const HELP = `usage: npm run bench -- [flags] [name...]

Benches (without a name all but pressure and growth):
${NAMES.join('\n')}

  --dir DIR         where generated repositories, and copies of others, are kept and served from
                    (default: packhorse-bench below the temporary directory)
  --repo DIR        measure compare, cancel, stalled and pressure on this repository instead of the generated history; it is
                    only read: compare makes hard links to its files below --dir, and packs a copy with a bitmap if it has none
  --commits N       commits of the generated history (default: ${COMMITS}, about 400,000 objects); given again and again,
                    those of the histories that growth measures (default: ${GROWTH_COMMITS.join(', ')})
  --runs N          how often each thing is measured (default: 5); medians are shown
  --only TEXT       of compare, growth and stalled, only the workloads whose names hold this text
  --json FILE       write what was measured there as well
  --plots DIR       where growth writes its plots (default: docs/growth)
  --clients N       slow clients of stalled (default: 200)
  --rate BYTES      what each of them reads in a second (default: 50000)
  --serve-flag FLAG for the service in stalled, as --serve-flag=--stream-window=256k (repeatable)
  --node-flag FLAG  for the node that runs the service, as --node-flag=--cpu-prof (repeatable)

compare alternates the service and git on the same requests. git: a process of \`git upload-pack --stateless-rpc\` for
each, into /dev/null. The service: a process with two workers and a fresh cache directory for each workload, with
everything off that keeps responses or entries; its answers go to a client that throws them away and whose CPU is not
counted. Both have answered the request before. CPU is user and system time of all the server's processes. What is
shorter than a second is repeated for a second, and the mean taken. Peaks are of resident memory; growth is the service's
peak over what it had when idle. Where git is measured with its bitmap and without on the same repository, the smaller
of each of its numbers counts. Before a workload is measured, the service's pack is indexed by git beside what the client
has, and its objects are looked up in what git would send; a workload that fails shows its error.
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: 'boolean', short: 'h', default: false },
    dir: { type: 'string', default: path.join(os.tmpdir(), 'packhorse-bench') },
    repo: { type: 'string' },
    commits: { type: 'string', multiple: true, default: [] },
    runs: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
    json: { type: 'string' },
    plots: { type: 'string', default: PLOTS },
    clients: { type: 'string', default: '200' },
    rate: { type: 'string', default: '50000' },
    'serve-flag': { type: 'string', multiple: true, default: [] },
    'node-flag': { type: 'string', multiple: true, default: [] },
  },
});
const unknown = positionals.find((name) => !Object.hasOwn(BENCHES, name));
if (values.help || unknown !== undefined) {
  if (unknown !== undefined) process.exitCode = 2;
  process.stdout.write(HELP);
} else {
  const short = Object.keys(BENCHES).filter((name) => !BENCHES[name].long);
  await run(positionals.length > 0 ? positionals : short);
}

async function run(names: readonly string[]): Promise<void> {
  const options = {
    directory: path.resolve(values.dir),
    repository: values.repo === undefined ? undefined : path.resolve(values.repo),
    commits: values.commits.map(Number),
    runs: Number(values.runs),
    only: values.only,
    plots: path.resolve(values.plots),
    nodeFlags: values['node-flag'],
    clients: Number(values.clients),
    bytesPerSecond: Number(values.rate),
    serveFlags: values['serve-flag'],
  };
  const machine = describeMachine();
  process.stdout.write(`${machineLines(machine)}\n${SERVICE}\n`);
  const results: Record<string, unknown> = {};
  for (const name of names) {
    const { markdown, data } = await BENCHES[name].bench(options);
    results[name] = data;
    process.stdout.write(`\n## ${name}\n\n${markdown}\n`);
    // After each, so that what was measured is not lost with what comes later.
    if (values.json !== undefined) {
      fs.writeFileSync(values.json, `${JSON.stringify({ machine, results }, null, 2)}\n`);
    }
  }
}
