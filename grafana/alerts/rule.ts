/** What a rule is. Rule files, the runbook and the red lines of dashboards are all made from these. */

/** An expression that Prometheus evaluates all the time, under a name of its own: `level:metric:operations`. */
export interface Recording {
  readonly record: string;
  readonly expr: string;
  /** What it is, in a few words. */
  readonly says: string;
}

/** One thing to look at. */
export interface Look {
  /** What to look for, and what it means. */
  readonly for: string;
  /** Where: title of a panel, PromQL, or a line for a shell. */
  readonly panel?: string;
  readonly query?: string;
  readonly command?: string;
}

/** What someone reads who was woken by it. Each text is Markdown. */
export interface Runbook {
  /** What has happened, and who feels it how. */
  readonly meaning: string;
  /** The first thing to do, before knowing why; left out where there is none. */
  readonly first?: string;
  readonly look: readonly Look[];
  /** Causes and their remedies, the likeliest first. */
  readonly causes: readonly { readonly cause: string; readonly remedy: string }[];
  /** Whether it can wait, and when it is over. */
  readonly urgency: string;
}

export interface Alert {
  readonly name: `Packhorse${string}`;
  /** `page`: someone should look now; `ticket`: this working day. */
  readonly severity: 'page' | 'ticket';
  readonly expr: string;
  /** How long it has to hold before it fires, as Prometheus writes it; left out where the expression says that itself. */
  readonly for?: string;
  /** One line, with Prometheus's templates in it. */
  readonly summary: string;
  readonly runbook: Runbook;
}

export interface RuleGroup {
  readonly name: string;
  readonly recordings: readonly Recording[];
  readonly alerts: readonly Alert[];
}

/** `job` of Packhorse's targets, for metrics that others have too. */
export const JOB = 'job="packhorse"';
