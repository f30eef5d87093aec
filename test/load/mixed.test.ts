/** Clients of every kind, over a dozen repositories that change meanwhile. */
import { expect, test } from 'vitest';
import { median } from '../../bench/measure.ts';
import { FORM, megabytes, report, SCENARIO_TIMEOUT } from './form.ts';
import { type MixedOptions, runMixedLoad } from './mixed.ts';

const OPTIONS: Readonly<Record<typeof FORM, MixedOptions>> = {
  short: { repositories: 12, clients: 4, decks: 2, seconds: 60 },
  long: { repositories: 12, clients: 6, decks: Number.POSITIVE_INFINITY, seconds: 600 },
};

/** Share by which memory may be more or less at the end than after the first minute, in the long form. */
const MEMORY_CHANGE = 0.15;
/** Bytes: the coarse bound of the short form. */
const MOST_MEMORY = 700e6;
/** Milliseconds: what no one fetches from is closed after two minutes at most. */
const CLOSING = 150_000;

test('every client gets what it asked for, and nothing is left behind', {
  timeout: SCENARIO_TIMEOUT,
}, async () => {
  const { failures, done, seconds, memory, idle, after, log } = await runMixedLoad(OPTIONS[FORM]);
  const ended = log.filter(({ outcome }) => outcome !== undefined);
  const first = median(within(45, 75));
  const last = median(within(seconds - 30, seconds));
  report('mixed load', {
    seconds: Math.round(seconds),
    ...Object.fromEntries([...done].sort()),
    failures: failures.length,
    requests: ended.length,
    'of them aborted': ended.filter(({ outcome }) => outcome === 'client_aborted').length,
    'RSS after a minute, MB': megabytes(first),
    'RSS in the end, MB': megabytes(last),
    'RSS by the minute, MB': memory
      .filter(
        (sample, n) => Math.floor(sample.seconds / 60) > Math.floor((memory[n - 1]?.seconds ?? -60) / 60),
      )
      .map(({ bytes }) => megabytes(bytes))
      .join(' '),
    'most RSS, MB': megabytes(Math.max(...memory.map(({ bytes }) => bytes))),
    'threads, sockets before': `${idle.threads}, ${idle.sockets}`,
    'threads, sockets, files after': Object.values(after()).join(', '),
  });

  // First, since a client's failure says less than the line of its cause.
  expect(log.filter(({ level }) => level >= 50)).toEqual([]);
  expect(failures.join('\n\n')).toBe('');
  // A client that is killed is no error of anyone's.
  const wrong = ended.filter(({ outcome }) => outcome === 'error' || outcome === 'rejected');
  expect(wrong.map(({ repository, error }) => ({ repository, error }))).toEqual([]);

  if (FORM === 'long') expect(Math.abs(last / first - 1)).toBeLessThan(MEMORY_CHANGE);
  else for (const { bytes } of memory) expect(bytes).toBeLessThan(MOST_MEMORY);

  // A client's end of a connection may close before ours.
  await expect.poll(() => after().sockets, { timeout: 30_000 }).toBe(idle.sockets);
  expect(after().threads).toBe(idle.threads);
  if (FORM === 'long') await expect.poll(() => after().files, { timeout: CLOSING, interval: 1000 }).toBe(0);

  function within(from: number, to: number): number[] {
    const taken = memory.filter(({ seconds }) => seconds >= from && seconds <= to);
    return (taken.length > 0 ? taken : memory).map(({ bytes }) => bytes);
  }
});
