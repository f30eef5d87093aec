/** Signals that end the service. */

/** Milliseconds within which a second SIGINT is the first one again: npm passes on what the terminal has sent to all. */
const ECHO = 500;

/** The first signal to stop. A second one ends the process; there is no moment at which one is not heard. */
export function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let first: { signal: NodeJS.Signals; time: number } | undefined;
    for (const name of ['SIGTERM', 'SIGINT'] as const) {
      process.on(name, (signal) => {
        const time = performance.now();
        if (!first) {
          first = { signal, time };
          resolve(signal);
        } else if (signal !== 'SIGINT' || first.signal !== 'SIGINT' || time - first.time > ECHO) {
          process.exit(1);
        }
      });
    }
  });
}
