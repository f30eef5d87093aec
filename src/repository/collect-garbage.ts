/** V8's garbage collector, on demand. */
import v8 from 'node:v8';
import vm from 'node:vm';

let collect: (() => void) | undefined;

/** Collects all garbage of this thread: some 10 ms in a worker. */
export function collectGarbage(): void {
  if (!collect) {
    // A context made while the flag is set has the function. It stays set: flags are those of the process, and another
    // thread may be between these two lines.
    v8.setFlagsFromString('--expose-gc');
    collect = vm.runInNewContext('gc') as () => void;
  }
  collect();
}
