/** The thread that runs a target: started by `run.ts`, which watches it. */
import { parentPort, workerData } from 'node:worker_threads';
import { Coverage } from './coverage.ts';
import { Inputs } from './generate.ts';
import { minimise } from './minimise.ts';
import type { Target } from './target.ts';
import { findTarget } from './targets.ts';
import { type Finding, tryInput } from './try-input.ts';

export interface Task {
  readonly target: string;
  readonly seed: number;
  readonly seconds: number;
  readonly coverage: boolean;
  /** Counts executions; written before each. */
  readonly executions: BigInt64Array;
  /** The length of the input at hand, then the input. */
  readonly input: Uint8Array;
}

export type Report =
  | { readonly type: 'found'; readonly finding: Finding; readonly input: Uint8Array }
  | { readonly type: 'done'; readonly kept: number; readonly called: number; readonly run: number };

/** Inputs after which coverage is looked at: a look takes as long as many inputs. */
const BATCH = 250;

const { target: name, seed, seconds, coverage: isCovered, executions, input: shared } = workerData as Task;

async function loop(target: Target): Promise<void> {
  const inputs = new Inputs(target, seed);
  const coverage = isCovered ? new Coverage() : undefined;
  const known = new Set<string>();
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    const batch: Buffer[] = [];
    while (batch.length < BATCH && performance.now() < end) {
      const input = inputs.next();
      batch.push(input);
      const finding = await execute(target, input);
      if (!finding || known.has(finding.signature)) continue;
      known.add(finding.signature);
      const least = await minimise(input, async (smaller) => {
        return (await execute(target, smaller))?.signature === finding.signature;
      });
      report({ type: 'found', finding, input: least });
    }
    if (!coverage) continue;
    const taken = coverage.take();
    if (!coverage.isNew(taken)) continue;
    // Which of them it was shows only one by one.
    for (const input of batch) {
      await execute(target, input);
      const alone = coverage.take();
      if (coverage.isNew(alone)) inputs.keep(input);
      coverage.add(alone);
    }
    coverage.add(taken);
  }
  const { called, run } = coverage?.covered ?? { called: 0, run: 0 };
  coverage?.stop();
  report({ type: 'done', kept: inputs.kept, called, run });
}

function execute(target: Target, input: Buffer): Promise<Finding | undefined> {
  new DataView(shared.buffer, shared.byteOffset).setUint32(0, input.length);
  shared.set(input, 4);
  Atomics.add(executions, 0, 1n);
  return tryInput(target, input);
}

function report(what: Report): void {
  parentPort!.postMessage(what);
}

await loop(findTarget(name)!);
