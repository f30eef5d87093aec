/** Numbers drawn from the distributions that a day of CI is made of. */
import type { SeededRandom } from '../random.ts';

/** A logarithm that is normally distributed: half lie below the median; two thirds within a factor of `e^spread` of it. */
export interface LogNormal {
  readonly median: number;
  readonly spread: number;
}

export function logNormal(random: SeededRandom, { median, spread }: LogNormal): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.fraction()));
  return median * Math.exp(spread * radius * Math.cos(2 * Math.PI * random.fraction()));
}

/** The wait for something that comes at any moment alike. */
export function exponential(random: SeededRandom, mean: number): number {
  return -mean * Math.log(1 - random.fraction());
}

/** How many of such come while `mean` are expected. */
export function poisson(random: SeededRandom, mean: number): number {
  let count = 0;
  for (let left = mean - exponential(random, 1); left > 0; left -= exponential(random, 1)) count++;
  return count;
}

export function between(random: SeededRandom, low: number, high: number): number {
  return low + (high - low) * random.fraction();
}

/** An index of `weights`, drawn by them. */
export function weighted(random: SeededRandom, weights: readonly number[]): number {
  let left = random.fraction() * weights.reduce((sum, weight) => sum + weight, 0);
  const index = weights.findIndex((weight) => {
    left -= weight;
    return left < 0;
  });
  return index < 0 ? weights.length - 1 : index;
}
