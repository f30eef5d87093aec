/**
 * What the simulated day is made of: a forge of a company or a large project, on one node. The numbers were fixed before
 * any rule of the cache was tried on them, and no rule is to be bought by a change of them.
 *
 * What is known of such a day: three quarters of distinct responses are never read again (gitlab-com/gl-infra/scalability
 * #2222), pipelines reach 129 jobs that clone one commit (#688), and a retention of 2 instead of 5 minutes loses 13 % of
 * the bytes of hits (#872), so that most of what is read again is read again soon, but not all of it. The rest is set to
 * what is ordinary, for the reasons beside it.
 */
import type { LogNormal } from './draw.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const MB = 1_000_000;

export interface Parameters {
  readonly repositories: number;
  /** Of all repositories together in the day. */
  readonly pushes: number;
  /** Share of a day's pushes in each hour. */
  readonly hours: readonly number[];
  /**
   * How large a repository's project is: in proportion to it grow, but for what each of them varies by itself, the pushes,
   * the bytes of a full clone, and (by its square root) the jobs of a pipeline.
   */
  readonly project: LogNormal;
  /** Pushes, against those of another project of the same size. */
  readonly activity: LogNormal;
  /** Bytes of a full clone, of a project of size 1. */
  readonly cloneBytes: LogNormal;
  /** Bytes of a depth-1 clone, as a share of the full clone's; the logarithm is evenly spread between the two. */
  readonly shallowShare: { readonly low: number; readonly high: number };
  /** Bytes that one push adds to a fetch. */
  readonly pushBytes: LogNormal;
  /** How jobs of a repository get its content: weights. */
  readonly checkouts: { readonly shallow: number; readonly fetch: number; readonly clone: number };
  /** Above so many bytes no one lets each job clone in full. */
  readonly mostCloned: number;
  /** Jobs of a repository's largest pipeline, of a project of size 1, and how many there can be. */
  readonly jobs: LogNormal;
  readonly mostJobs: number;
  /** Share of them that a push's pipeline has: rules leave out what was not touched. */
  readonly jobShare: { readonly low: number; readonly high: number };
  /** A pipeline's stages: share of its jobs, and milliseconds until the next one begins. */
  readonly stages: readonly { readonly jobs: number; readonly lasts: LogNormal }[];
  /** Milliseconds: between push and pipeline, a job's wait for a runner (mean), and how often runners ask for a job. */
  readonly pipelineAfter: number;
  readonly runnerAfter: number;
  readonly runnerAsks: number;
  /** Share of pipelines of which some jobs, or all, are run again; after how long, and how many jobs then. */
  readonly retries: {
    readonly some: number;
    readonly all: number;
    readonly after: LogNormal;
    readonly jobs: number;
  };
  /** For each push: fetches by people, their editors, mirrors and deployments, and after how long on average. */
  readonly readers: number;
  readonly readAfter: number;
  /** Pushes by which such a reader is behind, on average. */
  readonly behind: number;
  /** For each push: a full clone by someone, on a new machine or by a tool. */
  readonly newClones: number;
  /** Share of repositories with a nightly pipeline; its jobs, of those of the largest pipeline, clone in full. */
  readonly nightly: { readonly repositories: number; readonly jobs: number; readonly hour: number };
  /** Bytes a second that a client takes, and milliseconds before the first byte. */
  readonly clientRate: LogNormal;
  readonly firstByte: number;
}

export const CI_DAY: Parameters = {
  repositories: 120,
  pushes: 1500,
  // One office day with a long tail: bots and other time zones never stop.
  hours: [1, 1, 1, 1, 1, 1, 2, 5, 10, 14, 15, 13, 10, 13, 15, 15, 13, 10, 6, 4, 3, 3, 2, 1],
  // Who has more people has more pushes, more history and more tests. A fifth of the repositories gets about two thirds
  // of the pushes.
  project: { median: 1, spread: 1.1 },
  activity: { median: 1, spread: 0.6 },
  // From a few MB to a few GB.
  cloneBytes: { median: 40 * MB, spread: 0.8 },
  // curl, git and redis have 3 to 4 %; what has more files than history has more.
  shallowShare: { low: 0.02, high: 0.15 },
  pushBytes: { median: 20_000, spread: 1.8 },
  // Depth 1 is what most CI services do by themselves; some runners keep a work tree and fetch; old jobs clone.
  checkouts: { shallow: 65, fetch: 20, clone: 15 },
  mostCloned: 300 * MB,
  // Most pipelines are small; few are very large, and they make most of the traffic.
  jobs: { median: 8, spread: 0.7 },
  mostJobs: 129,
  jobShare: { low: 0.3, high: 1 },
  // Build, then test, then deploy.
  stages: [
    { jobs: 0.15, lasts: { median: 4 * MINUTE, spread: 0.6 } },
    { jobs: 0.75, lasts: { median: 10 * MINUTE, spread: 0.6 } },
    { jobs: 0.1, lasts: { median: 0, spread: 0 } },
  ],
  pipelineAfter: 2 * SECOND,
  runnerAfter: 20 * SECOND,
  // So that jobs which start in one of these begin at the same moment, but for tens of milliseconds.
  runnerAsks: 3 * SECOND,
  retries: { some: 0.1, all: 0.03, after: { median: 60 * MINUTE, spread: 0.7 }, jobs: 3 },
  readers: 3,
  readAfter: 30 * MINUTE,
  behind: 4,
  // Seldom for a push, but as large as it gets: about half of the bytes of all distinct responses are read once, or a
  // cache that waits for the second request would not have halved GitLab's disk use (gitaly !5540).
  newClones: 1 / 10,
  nightly: { repositories: 1 / 3, jobs: 0.25, hour: 2 },
  // Unpacking takes more of a client's time than the network of a data centre.
  clientRate: { median: 30 * MB, spread: 0.7 },
  firstByte: 100,
};
