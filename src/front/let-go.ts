/** Ending a connection so that its client gets all that was sent. */
import type { Duplex } from 'node:stream';

/** Milliseconds that a client may take to end its side. */
const LINGER = 5000;

/**
 * Ends a connection. What the client still says is read and thrown away: were it closed with bytes unread, the system
 * would reset it, and the client might lose the end of its answer.
 */
export function letGo(stream: Duplex): void {
  const timer = setTimeout(() => stream.destroy(), LINGER).unref();
  stream.once('close', () => clearTimeout(timer));
  stream.resume();
  stream.end();
}
