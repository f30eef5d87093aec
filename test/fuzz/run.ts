/** `npm run fuzz -- <target>`: runs a target in a thread of its own, and watches that. */
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import type { Report, Task } from './loop.ts';
import { LONGEST_INPUT } from './mutate.ts';
import { writeCrash } from './storage.ts';
import { TARGETS } from './targets.ts';

const HELP = `usage: npm run fuzz -- [flags] <target...|all>

  --time SECONDS  how long each target is run (default: 60)
  --seed N        what the mutations depend on (default: 1)
  --hang SECONDS  an input that takes longer is a finding (default: 20)
  --no-coverage   mutate the corpus alone, not what reaches new code
  --list          the targets

Inputs that fail are made smaller and written to test/fuzz/crashes/<target>/. The exit code is 1 where there were any.
`;

/** Seconds until the first input. */
const LONGEST_START = 120;

/** Of a thread's heap; buffers are not counted. */
const HEAP_MIB = 256;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    time: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    hang: { type: 'string', default: '20' },
    'no-coverage': { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

interface Outcome {
  readonly executions: number;
  readonly seconds: number;
  readonly findings: number;
  readonly done: Extract<Report, { type: 'done' }> | undefined;
}

/** One thread after the other, until the time is up: one that hangs or dies is replaced. */
async function fuzz(name: string, seconds: number): Promise<Outcome> {
  const executions = new BigInt64Array(new SharedArrayBuffer(8));
  const input = new Uint8Array(new SharedArrayBuffer(4 + LONGEST_INPUT));
  const start = performance.now();
  const left = () => seconds - (performance.now() - start) / 1000;
  const found = new Set<string>();
  let done: Outcome['done'];
  for (let threads = 0; !done && left() > 0; threads++) {
    const task = {
      target: name,
      seed: Number(values.seed) + threads,
      seconds: left(),
      coverage: !values['no-coverage'],
      executions,
      input,
    };
    done = await watch(task, (kind, message, bytes) => {
      const file = writeCrash(name, kind, bytes);
      found.add(file);
      console.log(`${name}: ${message}\n  ${file}`);
    });
  }
  return {
    executions: Number(executions[0]),
    seconds: (performance.now() - start) / 1000,
    findings: found.size,
    done,
  };
}

type OnFound = (kind: string, message: string, input: Uint8Array) => void;

/** @returns undefined where the thread did not come to its end */
function watch(task: Task, onFound: OnFound): Promise<Outcome['done']> {
  const worker = new Worker(new URL('./loop.ts', import.meta.url), {
    workerData: task,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
  });
  const current = () => {
    const length = new DataView(task.input.buffer, task.input.byteOffset).getUint32(0);
    return task.input.slice(4, 4 + length);
  };
  return new Promise((resolve) => {
    const first = Atomics.load(task.executions, 0);
    let last = first;
    let since = performance.now();
    const watchdog = setInterval(() => {
      const now = Atomics.load(task.executions, 0);
      if (now !== last) since = performance.now();
      last = now;
      // A thread that has not begun reads its sources still.
      const seconds = now === first ? LONGEST_START : Number(values.hang);
      if (performance.now() - since < seconds * 1000) return;
      onFound('hang', `an input takes longer than ${values.hang} s`, current());
      void worker.terminate();
    }, 250);
    let done: Outcome['done'];
    worker.on('message', (report: Report) => {
      if (report.type === 'done') done = report;
      else onFound(report.finding.kind, report.finding.message, report.input);
    });
    worker.on('error', (error: Error) => onFound('died', error.stack ?? error.message, current()));
    worker.on('exit', () => {
      clearInterval(watchdog);
      resolve(done);
    });
  });
}

function chosen(): string[] {
  const names = TARGETS.map(({ name }) => name);
  if (positionals.includes('all')) return names;
  const unknown = positionals.find((name) => !names.includes(name));
  if (unknown === undefined && positionals.length > 0) return positionals;
  console.error(unknown === undefined ? HELP : `there is no target ${unknown}; --list names them`);
  process.exit(2);
}

if (values.help) {
  console.log(HELP);
} else if (values.list) {
  for (const { name, reads } of TARGETS) console.log(`${name.padEnd(14)} ${reads}`);
} else {
  for (const name of chosen()) {
    const { executions, seconds, findings, done } = await fuzz(name, Number(values.time));
    const rate = Math.round(executions / seconds);
    const share = done && done.called > 0 ? ((100 * done.run) / done.called).toFixed(1) : undefined;
    const reached =
      share === undefined ? '' : `, ${share} % of the functions called, ${done!.kept} inputs kept`;
    console.log(`${name}: ${executions} executions, ${rate} a second${reached}, ${findings} findings`);
    if (findings > 0) process.exitCode = 1;
  }
}
