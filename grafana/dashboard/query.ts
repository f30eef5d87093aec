/** PromQL for panels: everything asks for the instances that were chosen at the top. */

export interface Selection {
  /** Matchers beside the instance, such as `outcome="error"`. */
  readonly where?: string;
  /** Labels that are kept, parted by commas. */
  readonly by?: string;
}

/** The series of a metric, as they are. */
export function series(metric: string, where = ''): string {
  return `${metric}{instance=~"$instance"${where && `,${where}`}}`;
}

/** How fast each series of a counter grows, in a second. */
export function rate(metric: string, where = ''): string {
  return `rate(${series(metric, where)}[$__rate_interval])`;
}

export function sum(metric: string, { where, by }: Selection = {}): string {
  return `${aggregate('sum', by)}(${series(metric, where)})`;
}

export function sumRate(metric: string, { where, by }: Selection = {}): string {
  return `${aggregate('sum', by)}(${rate(metric, where)})`;
}

/** A quantile of a histogram, given by its name without `_bucket`. */
export function quantile(q: number, histogram: string, { where, by }: Selection = {}): string {
  const buckets = sumRate(`${histogram}_bucket`, { by: by ? `le, ${by}` : 'le', ...(where && { where }) });
  return `histogram_quantile(${q}, ${buckets})`;
}

function aggregate(operator: string, by: string | undefined): string {
  return by ? `${operator} by (${by}) ` : operator;
}
