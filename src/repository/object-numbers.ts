/** How packs share the numbers of a view. */

/**
 * The number of a pack's first object is a multiple of this, so that sets of a pack's objects are whole words of sets
 * of numbers.
 */
const ALIGNMENT = 64;

/** The first number from `number` on that a pack may start at. */
export function alignNumber(number: number): number {
  return Math.ceil(number / ALIGNMENT) * ALIGNMENT;
}
