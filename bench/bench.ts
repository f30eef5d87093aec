/** What every bench is given. */

export interface BenchOptions {
  /** Where generated repositories, and copies of others, are kept. */
  readonly directory: string;
  /** A repository (`--repo`) to measure instead of the generated history, where a bench allows that. */
  readonly repository: string | undefined;
  /** Commits of the generated history; for `growth` of each size. Empty: as many as the bench likes. */
  readonly commits: readonly number[];
  /** How often each measurement is made. */
  readonly runs: number;
  /** Only workloads whose names hold this text are measured. */
  readonly only: string;
  /** Where plots are written. */
  readonly plots: string;
  /** For the node that runs the service. */
  readonly nodeFlags: readonly string[];
  /** How many slow clients there are, and how many bytes each of them reads in a second. */
  readonly clients: number;
  readonly bytesPerSecond: number;
  /** For the service, where a bench allows that. */
  readonly serveFlags: readonly string[];
}

export interface Report {
  readonly markdown: string;
  /** The same and more, for `--json`: plain data. */
  readonly data: unknown;
}

export type Bench = (options: BenchOptions) => Promise<Report>;
