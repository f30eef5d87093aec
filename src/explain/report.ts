/** What `packhorse explain` has found out about a repository. Plain data: `--json` prints it as it is. */
import type { Statistics } from '../upload-pack/statistics.ts';

/** How the objects are stored, in the repository itself and where it borrows from. Sizes in bytes. */
export interface Storage {
  readonly packs: readonly PackSummary[];
  /** Objects in files of their own. */
  readonly loose: number;
  readonly multiPackIndex: { readonly packs: number; readonly layers: number } | undefined;
  readonly bitmap: {
    /** `absent`, `unusable` (damaged), `off` (by the configuration), `shallow` (the history is cut). */
    readonly state: 'usable' | 'absent' | 'unusable' | 'off' | 'shallow';
    /** Objects that it knows, of those in packs. */
    readonly objects: number;
  };
  readonly commitGraph: {
    /** `off`: by the configuration, or as the history is cut. */
    readonly state: 'usable' | 'absent' | 'off';
    /** Commits that it has, and commits that refs reach and it has not. */
    readonly commits: number;
    readonly missing: number;
    /** Whether it has corrected dates, by which walks end early. */
    readonly hasGenerations: boolean;
  };
}

export interface PackSummary {
  readonly name: string;
  /** The `objects` directory in which it lies. */
  readonly directory: string;
  readonly bytes: number;
  readonly objects: number;
  readonly hasBitmap: boolean;
  /** Whether a file `.keep` says that it is to stay. */
  readonly isKept: boolean;
}

export interface RefSummary {
  readonly total: number;
  readonly branches: number;
  readonly tags: number;
  /** Visible ones that are neither, by the directory below `refs/` in which they lie: the largest first. */
  readonly others: readonly { readonly prefix: string; readonly refs: number }[];
  /** Those that clients do not see. */
  readonly hidden: number;
}

/** What it takes to serve one request, as the engine has counted it. */
export interface DryRun {
  /** Bytes of the response, without frames. */
  readonly bytes: number;
  readonly statistics: Statistics;
}

export interface Clone extends DryRun {
  /** Share of the pack's bytes that are copied as they are stored, 0 to 1. */
  readonly copied: number;
}

/** By a client that has what the default branch was, along its first parents. */
export interface Fetch extends DryRun {
  /** So many commits ago. */
  readonly behind: number;
}

export interface Recommendation {
  readonly finding: 'bitmap' | 'commit-graph' | 'loose' | 'packs' | 'refs';
  /** A sentence or two. */
  readonly why: string;
  /** What git is to be run with, in `directory`. */
  readonly directory: string;
  readonly command: readonly string[];
}

export interface Failure {
  readonly error: string;
  /** What git is to be run with in a partial clone to get what is missing; undefined where the repository is none. */
  readonly complete: Pick<Recommendation, 'directory' | 'command'> | undefined;
}

export interface Report {
  /** The git directory. */
  readonly directory: string;
  readonly storage: Storage;
  readonly refs: RefSummary;
  /** What a clone asks for: branches and tags; and what `git clone --mirror` and old clients do: every ref. */
  readonly listing: DryRun;
  readonly advertisement: DryRun;
  /** Undefined where there is nothing to clone, or it fails. */
  readonly clone: Clone | undefined;
  /** Why a clone fails; undefined where it does not. */
  readonly failure: Failure | undefined;
  /** Undefined where the default branch has but one commit, or none, and where a clone fails. */
  readonly fetch: Fetch | undefined;
  /** Files that were passed over because they are damaged or stale. */
  readonly ignored: readonly string[];
  readonly recommendations: readonly Recommendation[];
}
