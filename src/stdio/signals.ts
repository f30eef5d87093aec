/** Ending as git ends where it leaves a signal alone. */

/** Ends this process by a signal. */
export function endBy(signal: 'SIGPIPE' | 'SIGALRM'): Promise<never> {
  // Node.js ignores SIGPIPE; a signal whose last listener has gone does what it does by default.
  process.once(signal, () => {});
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  return new Promise(() => {});
}
