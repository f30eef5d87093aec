/**
 * Long work that can give way: a generator that yields wherever it may pause, and returns what came of it. Where others
 * wait it is done in stretches, elsewhere in one go.
 */
export type Stretches<T> = Generator<undefined, T, undefined>;

/** Called often in long work; where it is time to pause, it returns a promise to be awaited. What that throws ends the work. */
export type Pause = () => Promise<void> | undefined;

export function inOneGo<T>(work: Stretches<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}

/** Whatever ends the work before its end, the `finally` of its generators is run. */
export async function inStretches<T>(work: Stretches<T>, pause: Pause): Promise<T> {
  try {
    for (;;) {
      const step = work.next();
      if (step.done) return step.value;
      const rest = pause();
      if (rest) await rest;
    }
  } finally {
    work.return(undefined as T);
  }
}

/** No work: its outcome is known. */
export function* already<T>(value: T): Stretches<T> {
  yield* [];
  return value;
}
