/** `npm run bench -- [name...]`: runs benches one after the other and prints what they measured. */
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Bench } from './bench.ts';
import { cancel } from './cancel.ts';
import { clone } from './clone.ts';
import { fetch } from './fetch.ts';
import { memory } from './memory.ts';

const BENCHES: Readonly<Record<string, { bench: Bench; help: string }>> = {
  memory: {
    bench: memory,
    help: "growth of the service's memory during a clone, for a fast and a slow client",
  },
  clone: { bench: clone, help: 'full and shallow clones, against git upload-pack' },
  fetch: { bench: fetch, help: 'ref listing and fetches, against git upload-pack' },
  cancel: { bench: cancel, help: "from a client's hang-up to the end of its task" },
};

const HELP = `usage: npm run bench -- [--dir DIR] [--repo DIR] [--runs N] [--node-flag FLAG]... [name...]

Benches (all of them without a name):
${Object.entries(BENCHES)
  .map(([name, { help }]) => `  ${name.padEnd(8)} ${help}`)
  .join('\n')}

  --dir DIR         where generated repositories are kept (default: packhorse-bench below the temporary directory)
  --repo DIR        measure clone, fetch and cancel on this repository instead of the generated history
  --runs N          how often each thing is measured (default: 5)
  --node-flag FLAG  for the node that runs the service, as --node-flag=--cpu-prof (repeatable)
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: 'boolean', short: 'h', default: false },
    dir: { type: 'string', default: path.join(os.tmpdir(), 'packhorse-bench') },
    repo: { type: 'string' },
    runs: { type: 'string', default: '5' },
    'node-flag': { type: 'string', multiple: true, default: [] },
  },
});
const unknown = positionals.find((name) => !Object.hasOwn(BENCHES, name));
if (values.help || unknown !== undefined) {
  if (unknown !== undefined) process.exitCode = 2;
  process.stdout.write(HELP);
} else {
  await run(positionals.length > 0 ? positionals : Object.keys(BENCHES));
}

async function run(names: readonly string[]): Promise<void> {
  const options = {
    directory: path.resolve(values.dir),
    repository: values.repo === undefined ? undefined : path.resolve(values.repo),
    runs: Number(values.runs),
    nodeFlags: values['node-flag'],
  };
  const { length } = os.cpus();
  process.stdout.write(
    `${new Date().toISOString()}, ${length} × ${os.cpus()[0].model}, Node ${process.version}\n`,
  );
  for (const name of names) process.stdout.write(`\n## ${name}\n\n${await BENCHES[name].bench(options)}\n`);
}
