/** The requests of a simulated day of CI, the same ones for the same seed. */
import { SeededRandom } from '../random.ts';
import { between, exponential, logNormal, poisson, weighted } from './draw.ts';
import type { Parameters } from './parameters.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Milliseconds within which runners that ask at the same moment do so. */
const SAME_MOMENT = 50;

export interface TraceEvent {
  /** Milliseconds since midnight. */
  readonly time: number;
  /** Requests with the same key get the same bytes. */
  readonly key: string;
  readonly kind: 'clone' | 'fetch' | 'shallow';
  /** Bytes of the response. */
  readonly bytes: number;
  /** Milliseconds from the request to the end of its build, which goes at its client's pace. */
  readonly duration: number;
}

/** The day's requests, by time. What would come after midnight is left out. */
export function ciDay(parameters: Parameters, seed: string): TraceEvent[] {
  const random = new SeededRandom(seed);
  const repositories = Array.from(
    { length: parameters.repositories },
    (_, i) => new SimulatedRepository(`repository-${i}`, parameters, random),
  );
  const activities = repositories.map(({ project }) => project * logNormal(random, parameters.activity));
  for (let push = 0; push < parameters.pushes; push++) {
    const hour = weighted(random, parameters.hours) + random.fraction();
    repositories[weighted(random, activities)].pushes.push(Math.floor(hour * HOUR));
  }
  return repositories
    .flatMap((repository) => repository.day())
    .filter(({ time }) => time < DAY)
    .sort((a, b) => a.time - b.time);
}

class SimulatedRepository {
  /** How large its project is. */
  readonly project: number;
  /** When it is pushed to. */
  readonly pushes: number[] = [];
  readonly #name: string;
  readonly #parameters: Parameters;
  readonly #random: SeededRandom;
  readonly #cloneBytes: number;
  readonly #shallowBytes: number;
  readonly #checkout: 'shallow' | 'fetch' | 'clone';
  readonly #jobs: number;
  /** For each push, the bytes that it and those before it added. */
  #pushed: number[] = [];
  #events: TraceEvent[] = [];
  #readers = 0;

  constructor(name: string, parameters: Parameters, random: SeededRandom) {
    this.#name = name;
    this.#parameters = parameters;
    this.#random = random;
    const { low, high } = parameters.shallowShare;
    this.project = logNormal(random, parameters.project);
    this.#cloneBytes = this.project * logNormal(random, parameters.cloneBytes);
    this.#shallowBytes = this.#cloneBytes * low * (high / low) ** random.fraction();
    const { shallow, fetch, clone } = parameters.checkouts;
    const checkout = (['shallow', 'fetch', 'clone'] as const)[weighted(random, [shallow, fetch, clone])];
    this.#checkout = checkout === 'clone' && this.#cloneBytes > parameters.mostCloned ? 'shallow' : checkout;
    this.#jobs = Math.min(
      parameters.mostJobs,
      Math.ceil(Math.sqrt(this.project) * logNormal(random, parameters.jobs)),
    );
  }

  day(): TraceEvent[] {
    this.pushes.sort((a, b) => a - b);
    let sum = 0;
    this.#pushed = [
      0,
      ...this.pushes.map(() => (sum += logNormal(this.#random, this.#parameters.pushBytes))),
    ];
    this.#events = [];
    const jobs: Job[] = [];
    this.pushes.forEach((time, i) => {
      jobs.push(...this.#pipeline(time, i + 1));
      this.#readersOf(time);
    });
    this.#runJobs(jobs.sort((a, b) => a.time - b.time));
    this.#nightly();
    return this.#events;
  }

  /** The jobs of the pipeline for a push, stage after stage, and those that are run again. */
  #pipeline(time: number, commit: number): Job[] {
    const { jobShare, stages, pipelineAfter, retries } = this.#parameters;
    const random = this.#random;
    const jobs = Math.max(1, Math.round(this.#jobs * between(random, jobShare.low, jobShare.high)));
    const run = (start: number, count: number): Job[] => {
      let begin = start;
      let before = 0;
      let share = 0;
      return stages.flatMap((stage) => {
        share += stage.jobs;
        const until = Math.round(count * share);
        const started = Array.from({ length: until - before }, () => ({ time: this.#start(begin), commit }));
        // A stage without jobs takes no time.
        if (until > before) begin += logNormal(random, stage.lasts);
        before = until;
        return started;
      });
    };
    const all = run(time + pipelineAfter, jobs);
    const again = random.fraction();
    const later = time + logNormal(random, retries.after);
    if (again < retries.all) all.push(...run(later, jobs));
    else if (again < retries.all + retries.some) all.push(...run(later, Math.min(jobs, retries.jobs)));
    return all;
  }

  /** When a runner takes up a job that waits: runners ask at fixed moments, so several do at once. */
  #start(from: number): number {
    const { runnerAfter, runnerAsks } = this.#parameters;
    const wait = Math.floor(exponential(this.#random, runnerAfter) / runnerAsks) * runnerAsks;
    return Math.floor(from + wait + this.#random.fraction() * SAME_MOMENT);
  }

  #runJobs(jobs: readonly Job[]): void {
    /** The commit that each runner has in its work tree. */
    const runners = new Array<number>(this.#jobs).fill(0);
    for (const { time, commit } of jobs) {
      if (this.#checkout === 'shallow') this.#add(time, 'shallow', `${commit}`, this.#shallowBytes);
      else if (this.#checkout === 'clone') this.#clone(time);
      else {
        const runner = this.#random.below(runners.length);
        const has = runners[runner];
        if (has < commit) this.#add(time, 'fetch', `${has}-${commit}`, this.#between(has, commit));
        runners[runner] = Math.max(has, commit);
      }
    }
  }

  /** Those who fetch after a push by a work tree, with commits of its own or not, that no other has. */
  #readersOf(time: number): void {
    const { readers, readAfter, behind, newClones } = this.#parameters;
    const random = this.#random;
    for (let reader = poisson(random, readers); reader > 0; reader--) {
      const at = Math.floor(time + exponential(random, readAfter));
      const tip = this.#tipAt(at);
      const has = Math.max(0, tip - 1 - Math.floor(exponential(random, behind)));
      this.#add(at, 'fetch', `reader ${this.#readers++}`, this.#between(has, tip));
    }
    if (random.fraction() < newClones) this.#clone(Math.floor(time + exponential(random, readAfter)));
  }

  #nightly(): void {
    const { nightly } = this.#parameters;
    if (this.#random.fraction() >= nightly.repositories) return;
    const begin = (nightly.hour + this.#random.fraction()) * HOUR;
    for (let job = Math.ceil(this.#jobs * nightly.jobs); job > 0; job--) this.#clone(this.#start(begin));
  }

  /** A clone has all branches: every push makes it another response. */
  #clone(time: number): void {
    const tip = this.#tipAt(time);
    this.#add(time, 'clone', `${tip}`, this.#cloneBytes + this.#pushed[tip]);
  }

  #add(time: number, kind: TraceEvent['kind'], what: string, bytes: number): void {
    const { clientRate, firstByte } = this.#parameters;
    const duration = firstByte + (1000 * bytes) / logNormal(this.#random, clientRate);
    const key = `${this.#name} ${kind} ${what}`;
    this.#events.push({ time, key, kind, bytes: Math.ceil(bytes), duration: Math.ceil(duration) });
  }

  /** How many pushes there were by then. */
  #tipAt(time: number): number {
    const later = this.pushes.findIndex((push) => push > time);
    return later < 0 ? this.pushes.length : later;
  }

  /** Bytes of a fetch by who has the first of two commits. */
  #between(has: number, wants: number): number {
    return this.#pushed[wants] - this.#pushed[has];
  }
}

interface Job {
  readonly time: number;
  /** The number of the push that it is for. */
  readonly commit: number;
}
