/** What a dashboard is made of, before Grafana's own form: rows of panels, panels of queries. */

export interface Query {
  /** PromQL, with Grafana's `$instance` and `$__rate_interval`; see `query.ts`. */
  readonly expr: string;
  /** What a line is called: text with `{{label}}` in it. */
  readonly legend: string;
}

export interface Panel {
  /** Told apart by it: the runbook names panels so. */
  readonly title: string;
  readonly description: string;
  /** Of Grafana's names: `reqps`, `s`, `bytes`, `percentunit` and so on. */
  readonly unit: string;
  /** `lines` beside each other, or stacked as parts of a whole; the last value as a `number`, or its legend as a `name`. */
  readonly view: 'lines' | 'stack' | 'number' | 'name' | 'heatmap';
  readonly queries: readonly Query[];
  /** Columns of the 24 that there are; a third of them where it is left out. */
  readonly span?: number;
  /** What fires when the value is above its threshold for a while: that is drawn as a red line. */
  readonly alert?: { readonly name: string; readonly threshold: number };
  /** Whether samples of traces are shown, where the service attaches them. */
  readonly exemplars?: boolean;
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

export interface Dashboard {
  /** Of its file, and of its address in Grafana. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly rows: readonly Row[];
}

/** Every panel of a dashboard, in order. */
export function panelsOf({ rows }: Dashboard): readonly Panel[] {
  return rows.flatMap(({ panels }) => panels);
}
