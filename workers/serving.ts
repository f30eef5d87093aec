/** What this thread does for clients: work for no one gives way to it. */

let tasks = 0;
let any = false;

/** A task of a client begins. */
export function begin(): void {
  tasks++;
  any = true;
}

export function end(): void {
  tasks--;
}

export function isServing(): boolean {
  return tasks > 0;
}

/** Whether there was one since the last call. */
export function hasServed(): boolean {
  const had = any;
  any = isServing();
  return had;
}
