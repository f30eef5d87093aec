/** What has to be undone when the tests of a file are over. */
import { afterAll } from 'vitest';

const jobs: (() => unknown)[] = [];

/** Has something done after the tests of the file, the last asked for first. Unlike `afterAll`, inside of hooks and tests too. */
export function afterTests(job: () => unknown): void {
  jobs.push(job);
}

afterAll(async () => {
  const errors: unknown[] = [];
  for (const job of jobs.splice(0).reverse()) {
    try {
      await job();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw new AggregateError(errors);
});
