/** What every bench is given. */

export interface BenchOptions {
  /** Where generated repositories are kept. */
  readonly directory: string;
  /** A repository (`--repo`) to measure instead of the generated history, where a bench allows that. */
  readonly repository: string | undefined;
  /** How often each measurement is made. */
  readonly runs: number;
  /** For the node that runs the service. */
  readonly nodeFlags: readonly string[];
}

/** Measures, and returns a Markdown table. */
export type Bench = (options: BenchOptions) => Promise<string>;
