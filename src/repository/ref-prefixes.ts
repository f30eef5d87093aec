/** The prefixes a client asks for: tens of thousands of them over as many refs, so none is looked at in vain. */
import { compareStrings, sortInStretches } from '../sort-in-stretches.ts';
import type { Stretches } from '../stretches.ts';

/** Names and prefixes are byte strings (latin1), which JavaScript compares bytewise. */
export class RefPrefixes {
  /**
   * None begins with another, so what a prefix covers lies directly behind it, with no other between. An empty one
   * alone matches everything.
   */
  readonly sorted: readonly string[];

  /** @param prefixes byte prefixes; empty matches everything */
  constructor(prefixes: readonly string[] = []) {
    const sorted: string[] = [];
    let last: string | undefined;
    for (const prefix of prefixes.length === 0 ? [''] : prefixes.toSorted()) {
      if (last !== undefined && prefix.startsWith(last)) continue;
      sorted.push(prefix);
      last = prefix;
    }
    this.sorted = sorted;
  }

  /** As the constructor, for many: to sort what is in order takes next to nothing. */
  static *of(prefixes: readonly string[]): Stretches<RefPrefixes> {
    return new RefPrefixes(yield* sortInStretches(prefixes, compareStrings));
  }

  matches(name: string): boolean {
    return this.#covers(this.#countUpTo(name), name);
  }

  /** Whether a name below `directory` (with its slash) could match. */
  mayHold(directory: string): boolean {
    const count = this.#countUpTo(directory);
    return this.#covers(count, directory) || this.sorted[count]?.startsWith(directory) === true;
  }

  #covers(count: number, name: string): boolean {
    return count > 0 && name.startsWith(this.sorted[count - 1]);
  }

  /** How many prefixes sort before `name` or are equal to it. */
  #countUpTo(name: string): number {
    let low = 0;
    let high = this.sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.sorted[middle] <= name) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
