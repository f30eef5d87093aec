/** Which form of the load proof runs: the long one by `npm run test:load`, the short one with the other tests. */
import { table } from '../../bench/table.ts';

export type Form = 'short' | 'long';

export const FORM: Form = process.env.PACKHORSE_LOAD_FORM === 'long' ? 'long' : 'short';

/** Of histories and of what clients do; another one is given by PACKHORSE_LOAD_SEED. */
export const SEED = process.env.PACKHORSE_LOAD_SEED ?? 'packhorse';

/** Milliseconds that a whole scenario may take before it counts as hanging: no figure, a bound. */
export const SCENARIO_TIMEOUT = FORM === 'long' ? 30 * 60_000 : 5 * 60_000;

/** Shows what a scenario did and found. */
export function report(scenario: string, figures: Readonly<Record<string, string | number>>): void {
  const rows = Object.entries(figures).map(([name, value]) => [name, String(value)]);
  process.stdout.write(`\n${scenario}, ${FORM} form, seed ${SEED}\n${table(['figure', 'value'], rows)}\n`);
}

/** Megabytes, as a person reads them. */
export function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6);
}
