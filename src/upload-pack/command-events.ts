/** What is published of each command that was answered, in the thread that did it. */
import { channel } from 'node:diagnostics_channel';
import type { Statistics } from './statistics.ts';

export interface CommandRecord {
  /** Of the repository, as it was asked for. */
  readonly directory: string;
  /** The span that this was done for (W3C Trace Context), where one was given. */
  readonly traceparent: string | undefined;
  /** Filled in as far as the work came. */
  readonly statistics: Statistics;
  /** Undefined where it went well. */
  readonly error: unknown;
}

/** Published with a {@link CommandRecord}. */
export const commandEnded = channel('packhorse:command:ended');

/** Answers a command, and publishes how that went. */
export async function publishing<T>(known: Omit<CommandRecord, 'error'>, run: () => Promise<T>): Promise<T> {
  if (!commandEnded.hasSubscribers) return run();
  const end = (error: unknown) => commandEnded.publish({ ...known, error } satisfies CommandRecord);
  try {
    const result = await run();
    end(undefined);
    return result;
  } catch (error) {
    end(error);
    throw error;
  }
}
